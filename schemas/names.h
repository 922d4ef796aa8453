/*
 * schemas/names.h: the names and numbers that all programs must spell alike.
 *
 * To add a setting to any program: give it a line in NAMES_SETTINGS, because
 * one file of environment feeds all programs and each refuses names that none
 * of them knows.
 *
 * Thread: any.
 */
#ifndef SCHEMAS_NAMES_H
#define SCHEMAS_NAMES_H

/* Topics. */
#define NAMES_TOPIC_SUBMITTED "tx.submitted"
#define NAMES_TOPIC_RESULTS "tx.results"

/* Consumer groups; gateways assign partitions without one. */
#define NAMES_GROUP_VERIFIER "tidemill-verifier"
#define NAMES_GROUP_NOTIFIER "tidemill-notifier"

/* Kafka headers. */
#define NAMES_HEADER_RECORD "tm"         /* chain and rule set */
#define NAMES_HEADER_CLIENT "tm_client"  /* who submitted, when known */
#define NAMES_HEADER_TRACE "traceparent" /* when sampled */

/* Redis: runs of partition P travel on channel PREFIX P. */
#define NAMES_REDIS_CHANNEL_PREFIX "tidemill:results:"

/* PostgreSQL. */
#define NAMES_DATABASE_SCHEMA "tidemill"
#define NAMES_APPLICATION_VERIFIER "tidemill-verifier"

/* WebSocket. */
#define NAMES_WEBSOCKET_PROTOCOL "tidemill.v1.json"
#define NAMES_CHANNEL_TRANSACTIONS "transactions"
#define NAMES_CHANNEL_TRANSACTION "transaction:" /* <chain>:<hash> follows */
#define NAMES_CHANNEL_ACCOUNT "account:"         /* <address> follows */
#define NAMES_CHANNEL_SYSTEM "system"

/* Ports. */
#define NAMES_PORT_DOOR 8080
#define NAMES_PORT_MANAGEMENT 8081
#define NAMES_PORT_GATEWAY 8082

/* Settings of all programs, without the TIDEMILL_ before them. */
#define NAMES_SETTINGS_PREFIX "TIDEMILL_"
/* TIDEMILL_KAFKA_<KEY> other than these is handed to librdkafka. */
#define NAMES_SETTINGS_KAFKA_PREFIX "KAFKA_"
#define NAMES_SETTINGS(X)                                                      \
    X("ALLOWED_ORIGINS")                                                       \
    X("BATCH_BYTES")                                                           \
    X("BATCH_COUNT")                                                           \
    X("BATCH_MS")                                                              \
    X("CHAINS")                                                                \
    X("CLIENTS_MAX")                                                           \
    X("CLIENT_QUEUE_BYTES")                                                    \
    X("CONNECTIONS")                                                           \
    X("DATABASE_URL")                                                          \
    X("DEADLINE_MS")                                                           \
    X("DRAIN_MS")                                                              \
    X("GATEWAY_URL")                                                           \
    X("HTTP_URL")                                                              \
    X("KAFKA_BROKERS")                                                         \
    X("KEEP_DAYS")                                                             \
    X("LEAF_ROWS")                                                             \
    X("LINGER_MS")                                                             \
    X("LISTEN")                                                                \
    X("LOG_FORMAT")                                                            \
    X("LOG_LEVEL")                                                             \
    X("MANAGEMENT_ADDRESS")                                                    \
    X("MANAGEMENT_LISTEN")                                                     \
    X("MANAGEMENT_PORT")                                                       \
    X("MESSAGE_TIMEOUT_MS")                                                    \
    X("OPEN")                                                                  \
    X("ORIGINS")                                                               \
    X("PUBLIC_URL")                                                            \
    X("QUEUE_RECORDS")                                                         \
    X("RECENT_MS")                                                             \
    X("RECENT_RECORDS")                                                        \
    X("RECONCILE_MS")                                                          \
    X("REDIS_URL")                                                             \
    X("RING_COUNT")                                                            \
    X("SUBSCRIPTIONS_MAX")                                                     \
    X("THREADS")                                                               \
    X("TOPIC_RESULTS")                                                         \
    X("TOPIC_SUBMITTED")                                                       \
    X("UPSTREAM_URL")                                                          \
    X("VECTORS")                                                               \
    X("WINDOW_BYTES")                                                          \
    X("WINDOW_RECORDS")

#endif
