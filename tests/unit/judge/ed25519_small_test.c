/*
 * tests/unit/judge/ed25519_small_test.c: points of small order, and keys with
 * a part of small order, of our own making: where implementations differ.
 *
 * The curve has 8 points of which a multiple by 8 is the neutral one. They
 * have 14 encodings: 0 and 1 twice more as p and p + 1, and x = 0 with either
 * sign. Who checks with the cofactor takes signatures that nobody with a key
 * has made of them; who looks encodings up in a list may have forgotten one.
 *
 * B is the base point: as a key the public one of the number 1, as R that of
 * the nonce 1. So s = 1 + h is its signature, with h = SHA-512(R, key,
 * message).
 */
#include "tests/unit/judge/vectors.h"
#include "verifier/scheme_ed25519.h"

#define B_HEX "5866666666666666666666666666666666666666666666666666666666666666"

/* Each with s = h for R = this point, key = B and the message "small". */
static const struct {
    const char *point, *s;
} small[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "b9300976a7f8474094488b1842498184a4d79d98b0b672e073e2721347599b0e"},
    {"0000000000000000000000000000000000000000000000000000000000000080",
     "bb46d7b0922c307ca7a5f15a441ddf04d9c7fbd1b5a98feddb20e84359cc5706"},
    {"0100000000000000000000000000000000000000000000000000000000000000",
     "b8d9de39c31d907977a1703d03567b6fc69a71fa4fe363ef5f3bc5da9da2150b"},
    {"0100000000000000000000000000000000000000000000000000000000000080",
     "b91d85582c23bf858277e420ed8967a3de6a05579aeb7aed15ba710c984b410d"},
    {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
     "a4791cdd401a75ba8fb16e7ce41e0bd55b1d3aebbcb08b9a1e657878247eb309"},
    {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
     "58175a44659f6623ca262795ef9b36be64bb54a24bf6a746e43de2170672830d"},
    {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
     "23d641ee591df796f4da0f42e5fc9127d9de195ea3364b8abe821805abf46b04"},
    {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
     "da557373d4bff0443c24710cc28ed7e29b240db21448e18458c6daac0c057c00"},
    {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
     "421777468f19f1bfa8e9d787d2380d529521bfbccc1098b40a6c33dc69634b04"},
    {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "ab81a1c2a5908ad196fd6d2300d4d812e2f115af4b2b8e30c3a7b8b34ebc390b"},
    {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
     "b4591803519cf35922977881f446d6453697cc3e91ce261663cb93cc5b099d08"},
    {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "a20aaf5cf3fcc7f21e863d9ff4123143c5ea443d163049d50452840ab03c3700"},
    {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
     "ece1854691cd6a583053acff76cf8cbf70359c544dfc8c441beff534d0f20f03"},
    {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "10dcb27146f0b6cbb15a523b6e7d3a4e9bd999538e5c135de2ffd5f9253d8106"},
};

#define SMALL_COUNT (sizeof(small) / sizeof(small[0]))

static bool accepted(const char *key, const char *message, const char *r,
                     const char *s)
{
    uint8_t k[32], signature[64];
    size_t count;

    EXPECT_INT(hex_decode(bytes_text(key), k, 32, &count), 0);
    EXPECT_INT(hex_decode(bytes_text(r), signature, 32, &count), 0);
    EXPECT_INT(hex_decode(bytes_text(s), signature + 32, 32, &count), 0);
    return scheme_ed25519_verify(signature, bytes_text(message), k);
}

/*
 * With R = B and s = 1 the equation says [h]key = 0: true for at least one
 * message of 8, and for all of them with the cofactor.
 */
TEST(no_point_of_small_order_is_a_key)
{
    static const char one[] =
        "0100000000000000000000000000000000000000000000000000000000000000";

    for (size_t i = 0; i < SMALL_COUNT; i++) {
        for (int n = 0; n < 64; n++) {
            char message[16];

            snprintf(message, sizeof(message), "%d", n);
            EXPECT(!accepted(small[i].point, message, B_HEX, one));
        }
    }
}

/* The third is R = 0, of which the equation holds without the cofactor too. */
TEST(no_point_of_small_order_is_the_r_of_a_signature)
{
    for (size_t i = 0; i < SMALL_COUNT; i++)
        EXPECT(!accepted(B_HEX, "small", small[i].point, small[i].s));
}

/*
 * The key is B and a point of order 8. For the messages 4 and 6 h is a
 * multiple of 8 and the small part falls out; for the others it is left over,
 * and only the cofactor would remove it.
 */
TEST(a_key_with_a_small_part_is_judged_without_the_cofactor)
{
    static const char key[] =
        "13661d745ad63221ca5da0456fa618713511dc60668aa464e55b09a20ff7fc1d";
    static const struct {
        const char *message, *s;
        bool good;
    } cases[] = {
        {"4",
         "61c641fcb28f54a9ef965a50a1b15e01eb7682146c0f95b95efffde22fbc940f",
         true},
        {"6",
         "29467333ec728db2ff80d38b21b3ae4cfd476d599308f99d1f3c67a57d4cfc01",
         true},
        {"0",
         "bfad51de614eba583a86670995ce448d79c89cc622b96b6229d859a81d0da70e",
         false},
        {"2",
         "42a493a4ae61ef34d32a05fb7b2ccc82b78a50d2f21339621a4855c42d323309",
         false},
        {"8",
         "5d34b03297770a64655613c31b8a963f57654e6a82f13ce5299fc4be6499730c",
         false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(accepted(key, cases[i].message, B_HEX, cases[i].s),
                   cases[i].good);
}
