/*
 * consumer/kafka_config.c: how to reach the brokers, and which of librdkafka's
 * keys an operator may set.
 *
 *      TIDEMILL_KAFKA_SECURITY_PROTOCOL=SASL_SSL  ->  security.protocol
 *      TIDEMILL_KAFKA_ACKS=1                      ->  refused, by name
 *
 * Every key is tried on a scratch configuration of the library, so that a wrong
 * one stops the start with the library's own words.
 *
 * From: each program's main.c, at start.
 * To:   consumer/kafka_handle.c, which applies the keys to every handle.
 */
#include "consumer/kafka.h"

#include <ctype.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/setting.h"
#include "schemas/base/fail.h"

/* What "202 means stored" and "every record leaves one row" rest on. */
static const struct {
    const char *name, *why;
} refused[] = {
    {"bootstrap.servers", "set TIDEMILL_KAFKA_BROKERS"},
    {"metadata.broker.list", "set TIDEMILL_KAFKA_BROKERS"},
    {"acks", "202 means stored on all in-sync replicas"},
    {"request.required.acks", "202 means stored on all in-sync replicas"},
    {"enable.idempotence", "a retry may not store a record twice"},
    {"enable.gapless.guarantee", "a fatal error is answered by a new producer"},
    {"max.in.flight", "more than five break the order of a retry"},
    {"max.in.flight.requests.per.connection",
     "more than five break the order of a retry"},
    {"transactional.id", "records are deduplicated by the database"},
    {"retries", "the outcome is bounded by time, not by tries"},
    {"message.send.max.retries",
     "the outcome is bounded by time, not by tries"},
    {"message.timeout.ms", "the answers 503 and 504 depend on it"},
    {"delivery.timeout.ms", "the answers 503 and 504 depend on it"},
    {"partitioner", "all producers must agree where a key goes"},
    {"queue.buffering.max.messages", "the limit is the program's own"},
    {"queue.buffering.max.kbytes", "the limit is the program's own"},
    {"group.id", "the group is the program's own"},
    {"group.instance.id", "members are dynamic"},
    {"group.protocol", "the rebalance is the classic, eager one"},
    {"partition.assignment.strategy",
     "the rebalance is the classic, eager one"},
    {"auto.offset.reset", "the position comes from the database"},
    {"enable.auto.commit", "the position is in the database"},
    {"auto.commit.enable", "the position is in the database"},
    {"enable.auto.offset.store", "the position is in the database"},
    {"enable.partition.eof", "the end of a log is an event we need"},
    {"isolation.level", "an aborted record is not a record"},
    {"check.crcs", "damaged bytes are not judged"},
    {"allow.auto.create.topics", "topics are created by tidemill init"},
    {"statistics.interval.ms", "an alarm depends on it"},
};

static int resolve(struct kafka_config *k, const char *name, const char *value,
                   char out[KAFKA_KEY_BYTES_MAX], struct buffer *out_why);
static int try_key(const char *name, const char *value, char *why,
                   size_t why_max);
static int keep(struct kafka_config *k, const char *name, const char *value,
                struct buffer *out_why);
static int refuse(struct buffer *out_why, const char *name, const char *value,
                  const char *why);

int kafka_config_init(struct kafka_config *out, const char *brokers,
                      struct buffer *out_why)
{
    const char *name, *value;
    int rc;

    memset(out, 0, sizeof(*out));
    if (brokers == NULL || brokers[0] == '\0')
        return refuse(out_why, "BROKERS", "", "host:port,… is needed");
    out->brokers = strdup(brokers);
    CHECK(out->brokers != NULL);
    for (size_t i = 0; setting_passed(i, &name, &value); i++) {
        rc = kafka_config_set(out, name, value, out_why);
        if (rc < 0) {
            kafka_config_fini(out);
            return rc;
        }
    }
    return 0;
}

int kafka_config_set(struct kafka_config *k, const char *name,
                     const char *value, struct buffer *out_why)
{
    char key[KAFKA_KEY_BYTES_MAX];
    int rc = resolve(k, name, value, key, out_why);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (strcmp(refused[i].name, key) == 0)
            return refuse(out_why, name, value, refused[i].why);
    return keep(k, key, value, out_why);
}

void kafka_config_fini(struct kafka_config *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->key_count; i++)
        free(k->keys[i].value);
    free(k->brokers);
    memset(k, 0, sizeof(*k));
}

/*
 * LINGER_MS -> linger.ms. A few keys have an underscore of their own
 * (log_level), so the name with underscores is tried second.
 */
static int resolve(struct kafka_config *k, const char *name, const char *value,
                   char out[KAFKA_KEY_BYTES_MAX], struct buffer *out_why)
{
    char why[256] = "";
    size_t count = strlen(name);

    (void)k;
    if (count == 0 || count >= KAFKA_KEY_BYTES_MAX)
        return refuse(out_why, name, value, "librdkafka knows no such key");
    if (strlen(value) > KAFKA_VALUE_BYTES_MAX)
        return refuse(out_why, name, "", "the value is too long");
    for (size_t i = 0; i <= count; i++)
        out[i] = name[i] == '_' ? '.' : (char)tolower((unsigned char)name[i]);
    if (try_key(out, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return 0;
    if (try_key(out, value, why, sizeof(why)) == RD_KAFKA_CONF_INVALID)
        return refuse(out_why, name, value, why);
    for (size_t i = 0; i < count; i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    if (try_key(out, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return 0;
    return refuse(out_why, name, value, why);
}

/* A refused key is refused for our reason, whatever its value. */
static int try_key(const char *name, const char *value, char *why,
                   size_t why_max)
{
    rd_kafka_conf_t *conf;
    rd_kafka_conf_res_t result;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (strcmp(refused[i].name, name) == 0)
            return RD_KAFKA_CONF_OK;
    conf = rd_kafka_conf_new();
    result = rd_kafka_conf_set(conf, name, value, why, why_max);
    rd_kafka_conf_destroy(conf);
    return result;
}

static int keep(struct kafka_config *k, const char *name, const char *value,
                struct buffer *out_why)
{
    char *copy = strdup(value);
    size_t i = 0;

    CHECK(copy != NULL);
    while (i < k->key_count && strcmp(k->keys[i].name, name) != 0)
        i++;
    if (i == KAFKA_KEYS_MAX) {
        free(copy);
        return refuse(out_why, name, value, "too many keys");
    }
    if (i == k->key_count) {
        memcpy(k->keys[i].name, name, strlen(name) + 1);
        k->keys[i].value = NULL;
        k->key_count++;
    }
    free(k->keys[i].value);
    k->keys[i].value = copy;
    return 0;
}

/* The value may be a password: it is named, but not shown. */
static int refuse(struct buffer *out_why, const char *name, const char *value,
                  const char *why)
{
    bool secret = strcasestr(name, "password") || strcasestr(name, "secret") ||
                  strcasestr(name, "pem") || strcasestr(name, "jaas");

    (void)buffer_append_text(out_why, "TIDEMILL_KAFKA_");
    for (const char *c = name; *c != '\0'; c++)
        (void)buffer_append_byte(
            out_why, *c == '.' ? '_' : (uint8_t)toupper((unsigned char)*c));
    (void)buffer_append_format(out_why, "=%.80s: %s", secret ? "***" : value,
                               why);
    return FAIL_SETTING;
}

int kafka_linger_ms(int replication)
{
    return replication > 1 ? 20 : 5;
}

const char *kafka_library(void)
{
    static char text[64];

    snprintf(text, sizeof(text), "librdkafka %s", rd_kafka_version_str());
    return text;
}

const char *kafka_library_warning(void)
{
    int version = rd_kafka_version();

    if (version < 0x020002ff)
        return "older than 2.0.2: never tried";
    if (version < 0x020200ff)
        return "before 2.2.0 a full queue stops fetching for a second, and "
               "before 2.3.0 the idempotent producer may have to be made again";
    return "";
}
