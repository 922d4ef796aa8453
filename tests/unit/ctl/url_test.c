/*
 * tests/unit/ctl/url_test.c: what a URL of ours is, and what it is not.
 *
 * From: ctest.
 * To:   deploy/ctl/url.c.
 */
#include "deploy/ctl/url.h"

#include <stdio.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

/* "host port authority path", or the FAIL_ code. */
static const char *parsed(const char *text)
{
    static char line[2048];
    struct url u;
    const char *why = NULL;
    int rc = url_parse(text, &u, &why);

    if (rc < 0) {
        EXPECT(why != NULL && *why != '\0');
        return fail_name(rc);
    }
    snprintf(line, sizeof(line), "%s %d %s \"%s\"", u.host, u.port, u.authority,
             u.path);
    return line;
}

TEST(a_url_has_host_port_and_path)
{
    EXPECT_TEXT(parsed("http://127.0.0.1:18080"),
                "127.0.0.1 18080 127.0.0.1:18080 \"\"");
    EXPECT_TEXT(parsed("ws://gateway/"), "gateway 80 gateway \"\"");
    EXPECT_TEXT(parsed("http://a.b:1/c/d//"), "a.b 1 a.b:1 \"/c/d\"");
    EXPECT_TEXT(parsed("http://[::1]:8082/x"), "::1 8082 [::1]:8082 \"/x\"");
    EXPECT_TEXT(parsed("http://[fe80::1]"), "fe80::1 80 [fe80::1] \"\"");
}

TEST(tls_is_refused_by_name)
{
    EXPECT_TEXT(parsed("https://a"), "unsupported");
    EXPECT_TEXT(parsed("wss://a"), "unsupported");
}

TEST(what_would_have_to_be_guessed_is_refused)
{
    static const char *const wrong[] = {
        "",           "a:80",         "ftp://a",    "http://",
        "http://:80", "http://a:",    "http://a:0", "http://a:65536",
        "http://a:x", "http://a:1:2", "http://[]",  "http://[::1]80",
        "http://a b", "http://a\r\n", "http://u@a", "http://a/?x",
        "http://a#x", "http://[::1",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        EXPECT_TEXT(parsed(wrong[i]), "malformed");
}
