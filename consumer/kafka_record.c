/*
 * consumer/kafka_record.c: a library message as a record, without a copy.
 *
 *      rd_kafka_message_t  <-- owner --  struct record
 *        key, payload      <-- bytes --
 *        headers, parsed only when there are any
 *
 * A time counts only when the broker set it (LogAppendTime): a sender's clock
 * proves nothing. Records with any other are counted.
 *
 * From: consumer/consumer.c, reader.c.
 * To:   whoever takes the record, and record_release().
 */
#include <librdkafka/rdkafka.h>

#include "consumer/base/metrics.h"
#include "consumer/batch.h"
#include "consumer/kafka_handle.h"

static int64_t append_time(const rd_kafka_message_t *message);
static struct bytes find_header(rd_kafka_message_t *message, const char *name);

void kafka_record_take(struct rd_kafka_message_s *message, const char *header,
                       struct record *out)
{
    CHECK(message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
    out->partition = message->partition;
    out->offset = message->offset;
    out->append_ms = append_time(message);
    out->key = bytes_of(message->key, message->key_len);
    out->value = bytes_of(message->payload, message->len);
    out->header = header == NULL ? BYTES_NONE : find_header(message, header);
    out->owner = message;
}

void record_release(struct record *r)
{
    if (r->owner != NULL)
        rd_kafka_message_destroy(r->owner);
    r->owner = NULL;
    r->key = r->value = r->header = BYTES_NONE;
}

static int64_t append_time(const rd_kafka_message_t *message)
{
    static struct metric *foreign;
    rd_kafka_timestamp_type_t type;
    int64_t time = rd_kafka_message_timestamp(message, &type);

    if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME)
        return time;
    if (foreign == NULL)
        foreign =
            metric_counter("tidemill_kafka_create_time_total", NULL,
                           "records whose time is not the broker's: the topic "
                           "lacks message.timestamp.type=LogAppendTime");
    metric_add(foreign, 1);
    return -1;
}

/* The last one of the name counts. */
static struct bytes find_header(rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t count;

    if (rd_kafka_message_headers(message, &headers) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &count) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
        return BYTES_NONE;
    return bytes_of(value, count);
}
