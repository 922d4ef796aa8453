-- Second names and currencies. A Bitcoin transaction is asked for by its txid
-- and a Solana one by its first signature, though neither is its hash here; a
-- payment says what its amount counts. Rows of other chains have neither, and
-- pay nothing: the index holds only rows with an alias.

ALTER TABLE tidemill.transactions ADD COLUMN alias bytea,
                                  ADD COLUMN currency text;

CREATE FUNCTION tidemill.leaf_alias(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX transactions_%1$s_alias'
                   ' ON tidemill.transactions_%1$s (alias)'
                   ' WHERE alias IS NOT NULL', n);
END $$;

SELECT tidemill.leaf_alias(leaf) FROM tidemill.leaves
 WHERE state IN ('next', 'live', 'sealed') ORDER BY leaf;

CREATE OR REPLACE FUNCTION tidemill.leaf_prepare()
RETURNS int LANGUAGE plpgsql AS $$
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
    PERFORM tidemill.leaf_alias(n);
    INSERT INTO tidemill.leaves (leaf, state) VALUES (n, 'next');
    RETURN n;
END $$;

CREATE OR REPLACE VIEW tidemill.transaction_events AS
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
       t.log || '-' || t.partition || '-' || t.off     AS record,
       tidemill.hex(t.alias)     AS alias,
       t.currency                AS currency
  FROM tidemill.transactions t LEFT JOIN tidemill.chains c USING (chain);
