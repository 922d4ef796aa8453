/*
 * tests/model/runs.c: what is searched, and what each rule is there for.
 *
 * Two verifiers and two leaves unless a run says otherwise. To add a rule: a
 * line in rules.h, a switch where it acts, and a line among the removals with
 * what the search finds without it.
 *
 * From: tests/model/model.c.
 * To:   tests/model/protocol.c and screen.c.
 */
#include "tests/model/runs.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* `with` in words that parse() knows; "VZ" are verifiers, "X" and "Y" replays,
 * "l3" is three leaves. */
struct spec {
    const char *name, *records, *with, *words;
    uint64_t off;
};

static const struct spec protocols[] = {
    {"one", "AR", "VZ l2 live", "one verified, one rejected record", 0},
    {"leaves", "ARA", "VZ l3 live", "a repeat over three leaves", 0},
    {"partitions", "AR/B", "VZ l2 live", "batches of two partitions", 0},
    {"late", "AR/B", "VZ l2 late", "lost connections' results arrive later", 0},
    {"key_only", "AR/B", "VZ l2", "without the check: K and L protect",
     RULE(F2) | RULE(LIVE)},
    {"pipe", "ABR", "VZ l2 pipe live", "a second batch before the answer", 0},
    {"ledger_first", "AR/B", "VZ l2 ledger_first live",
     "the ledger row before all rows", 0},
    {"ledger_before_rows", "AR/B", "VZ l2 ledger_before_rows live",
     "then nothing has to be ignored: the product's order", RULE(NOTHING)},
    {"one_flight", "A/A", "VZ l2 one_flight meaning live",
     "all statements in one flight, nothing is compared", 0},
    {"failover", "AA", "VZ l2 failover live", "to any earlier state", 0},
    {"split", "AA", "VZ l2 failover split late",
     "and one verifier may stay on the old primary", 0},
    {"alone", "A", "V l2 failover split late live",
     "a single verifier on a deposed primary", 0},
    {"foreign", "A/A", "VZ l2 failover meaning live",
     "one hash in two partitions", 0},
    {"quarantine", "Q", "VZ l2 failover split late",
     "the database may refuse a record once", 0},
    {"expire", "AR", "VZ l2 expire live", "a quiet week: the log forgets", 0},
    {"drop", "AR", "VZ l3 drop late live", "old leaves are dropped", 0},
    {"drop_failover", "AR", "VZ l2 drop failover", "and come back", 0},
    {"replay", "ARA", "VZX l2", "a replay beside two verifiers", 0},
    {"replay_failover", "AA", "VZX l2 failover", "a replay, a failover", 0},
    {"replay_lost", "AR", "VXY l2 lose meaning",
     "two processes of one replay, a row lost", 0},
    {"replay_lost_failover", "AA", "VX l2 lose failover meaning",
     "a row lost, a failover", 0},
    {"replay_drop", "AR", "VZX l2 drop", "a replay and drops", 0},
    {"replay_one", "R", "VX l2", "a replay of one rejected record", 0},
    {"big_pipe", "AR/B", "VZ l2 pipe late live big", "two partitions", 0},
    {"big_late", "ARA/B", "VZ l2 late big", "late results", 0},
    {"big_key_only", "ARA/B", "VZ l2 late big", "the same without the check",
     RULE(F2) | RULE(LIVE)},
    {"big_leaves", "ARA/B", "VZ l3 late big", "three leaves", 0},
    {"big_split", "AA", "VZ l3 failover split late big", "three leaves", 0},
    {"big_foreign", "A/A", "VZ l2 failover split late meaning big",
     "one hash in two partitions", 0},
    {"big_split_partitions", "AR/A", "VZ l2 failover split late meaning big",
     "split brain, two partitions", 0},
    {"big_replay_split", "AA", "VZX l2 failover split late big",
     "a replay and split brain", 0},
    {"big_replay_lost", "AR", "VZX l2 lose failover meaning big",
     "two verifiers, a replay, a row lost", 0},
    {"big_drop", "AAR", "VZ l3 drop late live big", "drops, late results", 0},
};

/* r: results, z: repeated by a zombie, g: offsets without one, n: notifiers */
static const struct spec screens[] = {
    {"screen", "", "r3 z1 n1", "lost runs, repeats, restarts, resume", 0},
    {"screen_gaps", "", "r2 g2 n1", "offsets without a result", 0},
    {"screen_zombie", "", "r2 z1 n2", "two notifiers at once", 0},
    {"screen_forget", "", "r3 n1 forget", "notifiers commit nothing", 0},
    {"screen_quarantine", "", "r2 z1 n1 quarantine", "a record, two types", 0},
    {"screen_expire", "", "r4 n1 expire", "the topic forgets", 0},
    {"screen_recreated", "", "r3 n1 recreate", "the topic is made again", 0},
    {"acks", "", "acks", "acks and readings in any order", 0},
    {"big_screen", "", "r3 z2 n2 big", "two notifiers, two repeats", 0},
};

#define R(name) RULE(name)
static const struct removal removals[] = {
    {R(F1), "ledger_first", "two ledger rows with one from_off", false},
    {R(F2), "pipe", "a record below the position has no row", false},
    {R(K4), "partitions", "`announced` is above the position", false},
    {R(F2) | R(K2), "one", "ledger ranges overlap or leave a gap", true},
    {R(F2) | R(K3), "one", "ledger ranges overlap or leave a gap", true},
    {R(K1), "failover", "`announced` is above the position", false},
    {R(LIVE), "one_flight", "ledger ranges overlap or leave a gap", false},
    {R(LIVE) | R(L1), "one", "ledger ranges overlap or leave a gap", true},
    {R(LIVE) | R(L2), "one", "ledger ranges overlap or leave a gap", true},
    {R(RC), "one", "ledger ranges overlap or leave a gap", false},
    {R(S2), "one", "ledger ranges overlap or leave a gap", false},
    {R(S3), "drop", "`announced` is above the position", false},
    {R(S4), "partitions", NULL, false},
    {R(PLANT), "one", NULL, false},
    {R(D1), "drop", "a row is never announced", false},
    {R(D2), "drop", NULL, false},
    {R(FILTER), "failover", "two rows of one hash", false},
    {R(RESOLVE), "one_flight", "a record below the position has no row", false},
    {R(RESOLVE) | R(COUNT), "foreign", "a record below the position has no row",
     true},
    {R(NOTHING), "one", NULL, false},
    {R(SORT), "failover", "a repeat is stored before the first", false},
    {R(ORDER), "one", "writers wait for each other", false},
    {R(A1), "one", "a row is never announced", false},
    {R(A2), "failover", "`announced` is above the position", false},
    {R(A7), "expire", NULL, false},
    {R(C1), "alone", NULL, false},
    {R(Q1), "quarantine", "one id is announced with two meanings", false},
    {R(Q2), "quarantine",
     "the last line about a record is not what its row says", false},
    {R(R1) | R(R7), "replay_one", "a second row of one record", true},
    {R(R2), "replay_lost", "a row is never announced", false},
    {R(R3), "replay", "a second row of one record", false},
    {R(R4), "replay_drop", "a second row of one record", false},
    {R(R5), "replay_lost", "a row is never announced", false},
    {R(R6), "replay_lost", "a row is never announced", false},
    {R(R7), "replay", "first announcements are not in offset order", false},
    {R(HEARTBEAT), "screen", "a subscriber never hears of a result", false},
    {R(CHAIN), "screen", "a subscriber has a silent hole", false},
    {R(REPAIR), "screen_expire", "a subscriber never hears of a result", false},
    {R(CONTIGUOUS), "screen_expire", "a subscriber never hears of a result",
     false},
    {R(BEGIN), "screen", "a subscriber has a silent hole", false},
    {R(PREVIOUS), "screen_forget", "a subscriber has a silent hole", false},
    {R(TYPE), "screen_quarantine", "a subscriber has a silent hole", false},
    {R(BELOW), "screen", "a subscriber has a silent hole", false},
    {R(TELL), "screen_expire", "a subscriber has a silent hole", false},
    {R(NUMBER), "screen_recreated", "a subscriber has a silent hole", false},
    {R(SENT), "screen", "a subscriber has a silent hole", false},
    {R(ACK), "screen_recreated", "a subscriber has a silent hole", false},
    {R(FORGET), "acks", "announcing stops although the log is the one we know",
     false},
};

size_t run_count(void)
{
    return COUNT(protocols) + COUNT(screens);
}

static bool has_word(const char *with, const char *word)
{
    size_t count = strlen(word);
    const char *at = strstr(with, word);

    return at != NULL && (at == with || at[-1] == ' ') &&
           (at[count] == ' ' || at[count] == '\0');
}

static struct protocol parse(const struct spec *s)
{
    const char *end = strchr(s->with, ' ');
    const char *replays = strchr(s->with, 'X');
    const char *verifiers_end = replays != NULL ? replays : end;

    return (struct protocol){
        .records = s->records,
        .verifiers = (uint8_t)(verifiers_end - s->with),
        .replays = (uint8_t)(end - verifiers_end),
        .leaves = has_word(s->with, "l3") ? 3 : 2,
        .failover = has_word(s->with, "failover"),
        .split = has_word(s->with, "split"),
        .late = has_word(s->with, "late"),
        .drop = has_word(s->with, "drop"),
        .lose = has_word(s->with, "lose"),
        .expire = has_word(s->with, "expire"),
        .live = has_word(s->with, "live"),
        .order = has_word(s->with, "ledger_first")         ? LEDGER_FIRST
                 : has_word(s->with, "ledger_before_rows") ? LEDGER_BEFORE_ROWS
                                                           : LEDGER_LAST,
        .one_flight = has_word(s->with, "one_flight"),
        .pipe = has_word(s->with, "pipe"),
        .meaning = has_word(s->with, "meaning"),
        .off = s->off,
    };
}

/* The digit behind a letter: 3 of "r3"; 0 when it is not there. */
static uint8_t number_after(const char *with, char letter)
{
    char word[3] = {letter, '0', '\0'};

    for (; word[1] <= '9'; word[1]++) {
        if (has_word(with, word))
            return (uint8_t)(word[1] - '0');
    }
    return 0;
}

static struct screen parse_screen(const struct spec *s)
{
    return (struct screen){
        .results = number_after(s->with, 'r'),
        .repeats = number_after(s->with, 'z'),
        .gaps = number_after(s->with, 'g'),
        .notifiers = number_after(s->with, 'n'),
        .quarantine = has_word(s->with, "quarantine"),
        .expire = has_word(s->with, "expire"),
        .forget = has_word(s->with, "forget"),
        .recreate = has_word(s->with, "recreate"),
        .acks = has_word(s->with, "acks"),
        .off = s->off,
    };
}

struct run run_at(size_t i)
{
    bool ledger = i < COUNT(protocols);
    const struct spec *s =
        ledger ? &protocols[i] : &screens[i - COUNT(protocols)];
    struct run r = {.name = s->name,
                    .words = s->words,
                    .records = s->records,
                    .with = s->with,
                    .big = has_word(s->with, "big"),
                    .is_screen = !ledger};

    if (ledger)
        r.protocol = parse(s);
    else
        r.screen = parse_screen(s);
    return r;
}

size_t removal_count(void)
{
    return COUNT(removals);
}

struct removal removal_at(size_t i)
{
    struct removal r = removals[i];

    if (r.broken == NULL)
        r.broken = protocol_live_model.dead_end;
    return r;
}

struct search_result run_search(const struct run *r, uint64_t off,
                                uint64_t states_max, FILE *timeline)
{
    struct protocol c = r->protocol;
    struct screen s = r->screen;

    c.off |= off;
    s.off |= off;
    if (!r->is_screen)
        return search_run(c.live ? &protocol_live_model : &protocol_model, &c,
                          states_max, timeline);
    return search_run(s.acks ? &screen_acks_model : &screen_model, &s,
                      states_max, timeline);
}
