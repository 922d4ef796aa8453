-- oldest reader: 1
--
-- The tables of tidemill: what a batch writes, which offsets are written, and
-- how leaves are filled, sealed and dropped. Times are milliseconds since 1970,
-- UTC. Numbers of chains are the first 8 bytes of SHA-256(chain name), top bit
-- cleared. A record is named by (log, partition, off).

CREATE SCHEMA IF NOT EXISTS tidemill;

CREATE TABLE tidemill.schema_version (
    version       int    PRIMARY KEY,
    oldest_reader int    NOT NULL,   -- programs older than this must not run
    name          text   NOT NULL,
    applied_at    bigint NOT NULL
);

CREATE FUNCTION tidemill.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

CREATE FUNCTION tidemill.hex(b bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT '0x' || encode(b, 'hex') $$;

------------------------------------------------------------------------------
-- What outlives leaves.

-- One row for each number a topic's offsets were ever counted under; the
-- highest of a topic is the one in use.
CREATE TABLE tidemill.logs (
    log        int      PRIMARY KEY,
    topic      text     NOT NULL,
    cluster_id text,
    partitions int      NOT NULL,
    chain      text     NOT NULL,    -- of records without a header
    rules      smallint NOT NULL,    -- the same
    started_at bigint   NOT NULL DEFAULT tidemill.now_ms()
);

CREATE TABLE tidemill.chains (
    chain bigint PRIMARY KEY,
    name  text   NOT NULL
);

-- The one table of the hot path that is updated: a few rows, kept in place.
CREATE TABLE tidemill.announced (
    log            int    NOT NULL,
    partition      int    NOT NULL,
    announced      bigint NOT NULL,             -- first offset not announced
    results_offset bigint NOT NULL DEFAULT -1,  -- last one acked in results
    PRIMARY KEY (log, partition)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 1000);

CREATE TABLE tidemill.replays (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log         int    NOT NULL,
    partition   int    NOT NULL,
    from_off    bigint NOT NULL,
    to_off      bigint NOT NULL,
    next_off    bigint NOT NULL,   -- moved by compare-and-set with its rows
    announced   bigint NOT NULL,
    rules       smallint,          -- not null: writes revisions, not rows
    started_at  bigint NOT NULL DEFAULT tidemill.now_ms(),
    finished_at bigint
);

CREATE TABLE tidemill.revisions (
    log       int      NOT NULL,
    partition int      NOT NULL,
    off       bigint   NOT NULL,
    rules     smallint NOT NULL,
    verdict   text     NOT NULL,
    reason    text,
    judged_at bigint   NOT NULL DEFAULT tidemill.now_ms(),
    PRIMARY KEY (log, partition, off, rules)
);

CREATE TABLE tidemill.leaves (
    leaf    int  PRIMARY KEY,
    state   text NOT NULL
            CHECK (state IN ('next', 'live', 'sealed', 'dropping', 'dropped')),
    live_id uuid,              -- made when it became live
    seal    uuid,              -- made when it was sealed; names its contents
    from_at bigint,            -- live from
    to_at   bigint,            -- to
    step    int  NOT NULL DEFAULT 0,  -- how far sealing got
    filter  bytea
);
ALTER TABLE tidemill.leaves ALTER filter SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX leaves_one_live ON tidemill.leaves (state)
    WHERE state = 'live';
CREATE UNIQUE INDEX leaves_one_next ON tidemill.leaves (state)
    WHERE state = 'next';

-- Where each partition stood when a leaf ended. The rows of the leaf before the
-- live one are the set of known partitions. Counts come from the rows, later.
CREATE TABLE tidemill.leaf_counts (
    leaf        int    NOT NULL,
    log         int    NOT NULL,
    partition   int    NOT NULL,
    from_off    bigint NOT NULL,
    to_off      bigint NOT NULL,
    last_sha256 bytea,             -- of the record before to_off
    verified    bigint,
    rejected    bigint,
    duplicates  bigint,
    quarantined bigint,
    PRIMARY KEY (leaf, log, partition)
);

------------------------------------------------------------------------------
-- The five tables of a leaf. No index, no default partition: see leaf_create().

CREATE TABLE tidemill.transactions (
    accepted_at bigint NOT NULL,
    off         bigint NOT NULL,
    chain       bigint NOT NULL,
    log         int    NOT NULL,
    partition   int    NOT NULL,
    leaf        int    NOT NULL,
    hash        bytea  NOT NULL,
    sender      bytea  NOT NULL,
    recipient   bytea,
    amount      numeric(78,0) NOT NULL,
    nonce       numeric(20,0),
    signature   bytea  NOT NULL,
    payload     bytea  NOT NULL
) PARTITION BY LIST (leaf);

CREATE TABLE tidemill.rejections (
    accepted_at    bigint NOT NULL,
    off            bigint NOT NULL,
    chain          bigint NOT NULL,
    log            int    NOT NULL,
    partition      int    NOT NULL,
    leaf           int    NOT NULL,
    reason         text   NOT NULL,
    payload_sha256 bytea  NOT NULL,
    hash           bytea,          -- only where it covers every byte judged
    payload        bytea           -- null when longer than 64 KiB
) PARTITION BY LIST (leaf);

CREATE TABLE tidemill.duplicates (
    accepted_at  bigint NOT NULL,
    off          bigint NOT NULL,
    chain        bigint NOT NULL,
    log          int    NOT NULL,
    partition    int    NOT NULL,
    leaf         int    NOT NULL,
    of_log       int    NOT NULL,
    of_partition int    NOT NULL,
    of_off       bigint NOT NULL,
    hash         bytea  NOT NULL
) PARTITION BY LIST (leaf);

CREATE TABLE tidemill.quarantine (
    accepted_at    bigint NOT NULL,
    off            bigint NOT NULL,
    log            int    NOT NULL,
    partition      int    NOT NULL,
    leaf           int    NOT NULL,
    payload_sha256 bytea  NOT NULL,
    payload        bytea,          -- null when longer than 1 MiB
    sqlstate       text   NOT NULL,
    detail         text   NOT NULL
) PARTITION BY LIST (leaf);

-- The ledger: which offsets are written, as [from_off, to_off).
CREATE TABLE tidemill.batches (
    from_off    bigint NOT NULL,
    to_off      bigint NOT NULL,
    log         int    NOT NULL,
    partition   int    NOT NULL,
    leaf        int    NOT NULL,
    verified    int    NOT NULL,
    rejected    int    NOT NULL,
    duplicates  int    NOT NULL,
    quarantined int    NOT NULL,
    last_sha256 bytea  NOT NULL    -- of the last record before to_off
) PARTITION BY LIST (leaf);

-- Makes the five tables of leaf n. They are made apart and then attached, so
-- that nobody reading through the parents is waited for.
CREATE FUNCTION tidemill.leaf_create(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child  text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['transactions', 'rejections', 'duplicates',
                                  'quarantine', 'batches'] LOOP
        child := parent || '_' || n;
        -- Nothing is ever updated or deleted here: the sealer vacuums once.
        EXECUTE format(
            'CREATE TABLE tidemill.%I (LIKE tidemill.%I INCLUDING DEFAULTS)'
            ' WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)',
            child, parent);
        EXECUTE format('ALTER TABLE tidemill.%I ALTER leaf SET DEFAULT %s',
                       child, n);
        IF parent IN ('transactions', 'rejections', 'quarantine') THEN
            -- Random bytes: trying to compress them is wasted.
            EXECUTE format('ALTER TABLE tidemill.%I'
                           ' ALTER payload SET STORAGE EXTERNAL', child);
        END IF;
    END LOOP;
    EXECUTE format('ALTER TABLE tidemill.transactions_%1$s'
                   ' ADD CONSTRAINT transactions_%1$s_hash'
                   ' UNIQUE (hash, chain)', n);
    -- The two filters of a range are one index row, and together they must fit
    -- a page: those of the default 128 pages take 8968 bytes of 8152 once they
    -- are full, and every insert into that range fails.
    EXECUTE format('CREATE INDEX transactions_%1$s_accounts'
                   ' ON tidemill.transactions_%1$s USING brin'
                   ' (sender bytea_bloom_ops, recipient bytea_bloom_ops)'
                   ' WITH (pages_per_range = 64)', n);
    FOREACH parent IN ARRAY ARRAY['rejections', 'duplicates', 'quarantine']
    LOOP
        EXECUTE format('ALTER TABLE tidemill.%1$s_%2$s'
                       ' ADD CONSTRAINT %1$s_%2$s_record'
                       ' UNIQUE (log, partition, off)', parent, n);
    END LOOP;
    EXECUTE format('ALTER TABLE tidemill.batches_%1$s'
                   ' ADD CONSTRAINT batches_%1$s_from'
                   ' PRIMARY KEY (log, partition, from_off)', n);
    FOREACH parent IN ARRAY ARRAY['transactions', 'rejections', 'duplicates',
                                  'quarantine', 'batches'] LOOP
        EXECUTE format('ALTER TABLE tidemill.%1$s ATTACH PARTITION'
                       ' tidemill.%1$s_%2$s FOR VALUES IN (%2$s)', parent, n);
    END LOOP;
END $$;

-- Prepares the leaf after the live one, if it is not there. Returns its number,
-- or null when nothing was to do. One at a time.
CREATE FUNCTION tidemill.leaf_prepare() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    n int;
BEGIN
    LOCK TABLE tidemill.leaf_counts IN SHARE ROW EXCLUSIVE MODE NOWAIT;
    SELECT l.leaf + 1 INTO n FROM tidemill.leaves l WHERE l.state = 'live'
        AND NOT EXISTS (SELECT FROM tidemill.leaves WHERE state = 'next');
    IF n IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM tidemill.leaf_create(n);
    INSERT INTO tidemill.leaves (leaf, state) VALUES (n, 'next');
    RETURN n;
END $$;

-- The flip: leaf n is sealed, the next one live, every partition's position
-- noted, idle ones too. The caller holds the exclusive lock of the leaves, taken
-- in a statement of its own. False: another sealer was first.
CREATE FUNCTION tidemill.leaf_flip(n int) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    now bigint := tidemill.now_ms();
BEGIN
    UPDATE tidemill.leaves
       SET state = 'sealed', seal = gen_random_uuid(), to_at = now
     WHERE leaf = n AND state = 'live';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE tidemill.leaves
       SET state = 'live', live_id = gen_random_uuid(), from_at = now
     WHERE leaf = n + 1 AND state = 'next';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'leaf % is not prepared', n + 1;
    END IF;
    EXECUTE format($q$
        INSERT INTO tidemill.leaf_counts
               (leaf, log, partition, from_off, to_off, last_sha256)
        SELECT %1$s, c.log, c.partition, c.to_off,
               coalesce(b.to_off, c.to_off),
               coalesce(b.last_sha256, c.last_sha256)
          FROM tidemill.leaf_counts c
          LEFT JOIN LATERAL (
               SELECT x.to_off, x.last_sha256 FROM tidemill.batches_%1$s x
                WHERE x.log = c.log AND x.partition = c.partition
                ORDER BY x.from_off DESC LIMIT 1) b ON true
         WHERE c.leaf = %1$s - 1$q$, n);
    RETURN true;
END $$;

-- Takes the oldest kept leaf n off the list, if nothing in it still has to be
-- announced. The caller holds the exclusive lock. Null when it is off the list,
-- else why not. Logs that a newer number has replaced announce no more.
CREATE FUNCTION tidemill.leaf_leave(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    held text;
BEGIN
    IF EXISTS (SELECT FROM tidemill.leaves
                WHERE leaf < n AND state = 'sealed') THEN
        RETURN 'an older leaf is still kept';
    END IF;
    SELECT c.log || '-' || c.partition INTO held
      FROM tidemill.leaf_counts c
      LEFT JOIN tidemill.announced a USING (log, partition)
     WHERE c.leaf = n AND c.from_off < c.to_off
       AND coalesce(a.announced, c.from_off) < c.to_off
       AND NOT EXISTS (SELECT FROM tidemill.logs o, tidemill.logs w
                        WHERE o.log = c.log AND w.topic = o.topic
                          AND w.log > o.log)
     LIMIT 1;
    IF held IS NOT NULL THEN
        RETURN 'not all of ' || held || ' is announced';
    END IF;
    UPDATE tidemill.leaves SET state = 'dropping'
     WHERE leaf = n AND state = 'sealed';
    IF NOT FOUND THEN
        RETURN 'not sealed';
    END IF;
    RETURN NULL;
END $$;

-- Counts the rows of a sealed leaf into leaf_counts.
CREATE FUNCTION tidemill.leaf_count(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($q$
        UPDATE tidemill.leaf_counts c
           SET verified = coalesce(t.n, 0), rejected = coalesce(r.n, 0),
               duplicates = coalesce(d.n, 0), quarantined = coalesce(q.n, 0)
          FROM tidemill.leaf_counts k
          LEFT JOIN (SELECT log, partition, count(*) n
                       FROM tidemill.transactions_%1$s GROUP BY 1, 2) t
                    USING (log, partition)
          LEFT JOIN (SELECT log, partition, count(*) n
                       FROM tidemill.rejections_%1$s GROUP BY 1, 2) r
                    USING (log, partition)
          LEFT JOIN (SELECT log, partition, count(*) n
                       FROM tidemill.duplicates_%1$s GROUP BY 1, 2) d
                    USING (log, partition)
          LEFT JOIN (SELECT log, partition, count(*) n
                       FROM tidemill.quarantine_%1$s GROUP BY 1, 2) q
                    USING (log, partition)
         WHERE c.leaf = %1$s AND k.leaf = %1$s
           AND c.log = k.log AND c.partition = k.partition$q$, n);
END $$;

-- Position and `announced` of partitions, in the caller's snapshot (STABLE),
-- naming the live leaf's table directly. Null position: never planted.
CREATE FUNCTION tidemill.positions(of_log int, of_partitions int[])
RETURNS TABLE (partition int, "position" bigint, announced bigint,
               results_offset bigint, last_sha256 bytea)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    n int;
BEGIN
    SELECT l.leaf INTO n FROM tidemill.leaves l WHERE l.state = 'live';
    IF n IS NULL THEN
        RAISE EXCEPTION 'no leaf is live';
    END IF;
    RETURN QUERY EXECUTE format($q$
        SELECT p.partition,
               CASE WHEN c.leaf IS NOT NULL
                    THEN coalesce(b.to_off, c.to_off) END,
               coalesce(a.announced,
                        (SELECT min(f.from_off) FROM tidemill.leaf_counts f
                          WHERE f.log = $1 AND f.partition = p.partition)),
               coalesce(a.results_offset, -1),
               coalesce(b.last_sha256, c.last_sha256)
          FROM unnest($2) AS p(partition)
          LEFT JOIN tidemill.leaf_counts c ON c.leaf = %1$s - 1
               AND c.log = $1 AND c.partition = p.partition
          LEFT JOIN LATERAL (
               SELECT x.to_off, x.last_sha256 FROM tidemill.batches_%1$s x
                WHERE x.log = $1 AND x.partition = p.partition
                ORDER BY x.from_off DESC LIMIT 1) b ON true
          LEFT JOIN tidemill.announced a
               ON a.log = $1 AND a.partition = p.partition$q$, n)
        USING of_log, of_partitions;
END $$;

-- Gives partitions their first position, the log's start: without it the first
-- batch is fenced for ever. Partitions that have one keep it. Returns how many
-- were planted. One statement, by itself.
CREATE FUNCTION tidemill.plant(of_log int, of_partitions int[],
                               offs bigint[])
RETURNS int LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    n int;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'plant() needs READ COMMITTED';
    END IF;
    PERFORM pg_advisory_xact_lock(29805, 'tidemill.leaves'::regclass::oid::int);
    INSERT INTO tidemill.leaf_counts (leaf, log, partition, from_off, to_off)
    SELECT l.leaf - 1, of_log, u.partition, u.off, u.off
      FROM unnest(of_partitions, offs) AS u(partition, off),
           tidemill.leaves l
     WHERE l.state = 'live'
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS n = ROW_COUNT;
    INSERT INTO tidemill.announced (log, partition, announced)
    SELECT of_log, u.partition, u.off
      FROM unnest(of_partitions, offs) AS u(partition, off)
        ON CONFLICT DO NOTHING;
    RETURN n;
END $$;

SELECT tidemill.leaf_create(1);
SELECT tidemill.leaf_create(2);
INSERT INTO tidemill.leaves (leaf, state, live_id, from_at)
VALUES (1, 'live', gen_random_uuid(), tidemill.now_ms()),
       (2, 'next', NULL, NULL);

------------------------------------------------------------------------------
-- For people and dashboards. Nothing of ours reads these.

CREATE VIEW tidemill.transaction_events AS
SELECT tidemill.hex(t.hash)      AS hash,
       NULL::bigint              AS block_height,
       tidemill.hex(t.sender)    AS sender,
       tidemill.hex(t.recipient) AS recipient,
       t.amount                  AS amount,
       tidemill.hex(t.signature) AS signature,
       tidemill.hex(t.payload)   AS payload,
       t.accepted_at             AS timestamp_ms,
       c.name                    AS chain,
       t.nonce                   AS nonce,
       to_timestamp(t.accepted_at / 1000.0)            AS accepted_at,
       t.log || '-' || t.partition || '-' || t.off     AS record
  FROM tidemill.transactions t LEFT JOIN tidemill.chains c USING (chain);

CREATE VIEW tidemill.rejection_events AS
SELECT r.log || '-' || r.partition || '-' || r.off     AS record,
       c.name                           AS chain,
       r.reason                         AS reason,
       tidemill.hex(r.payload_sha256)   AS payload_sha256,
       tidemill.hex(r.hash)             AS hash,
       to_timestamp(r.accepted_at / 1000.0)            AS accepted_at,
       tidemill.hex(r.payload)          AS payload
  FROM tidemill.rejections r LEFT JOIN tidemill.chains c USING (chain);

CREATE VIEW tidemill.duplicate_events AS
SELECT d.log || '-' || d.partition || '-' || d.off     AS record,
       d.of_log || '-' || d.of_partition || '-' || d.of_off AS of,
       c.name                           AS chain,
       tidemill.hex(d.hash)             AS hash,
       to_timestamp(d.accepted_at / 1000.0)            AS accepted_at
  FROM tidemill.duplicates d LEFT JOIN tidemill.chains c USING (chain);

CREATE VIEW tidemill.quarantine_events AS
SELECT q.log || '-' || q.partition || '-' || q.off     AS record,
       q.sqlstate                       AS sqlstate,
       q.detail                         AS detail,
       tidemill.hex(q.payload_sha256)   AS payload_sha256,
       to_timestamp(q.accepted_at / 1000.0)            AS accepted_at,
       tidemill.hex(q.payload)          AS payload
  FROM tidemill.quarantine q;
