"""One rule removed at a time, each in the place where it is kept.

`old` stands exactly once in `file`; when the code moves, the mutation has to
move with it, and a test says so at once. `breaks` are the invariants
(support/system/seen.py) that the outside checker must see broken.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    name: str
    removes: str      # the rule, as a sentence
    file: str
    old: str
    new: str
    program: str      # to be built again
    scenario: str     # of scenarios.py
    breaks: set

    def __repr__(self):
        return self.name


MUTATIONS = [
    Mutation(
        "announced raised before the ack",
        "`announced` is raised only over results that the brokers acknowledged",
        "verifier/lane.c",
        """    return window_resume_offset(&l->window);
""",
        """    if (l->sent > 0)
        return at(l, l->sent - 1)->record.offset + 1;
    return window_resume_offset(&l->window);
""",
        "tidemill-verifier", "killed_before_it_announces", {"I12"}),
    Mutation(
        "ledger row outside the transaction of its rows",
        "rows and position are committed together",
        "verifier/ledger_write.c",
        """            send_rows(l, COLUMNS_BATCHES, leaf_sql_insert_batches, on_ledger);
""",
        """            send_rows(l, COLUMNS_BATCHES, leaf_sql_insert_batches, on_ledger);
    send(l, "COMMIT", NULL, on_lock);
    send(l, LEAF_SQL_BEGIN, NULL, on_lock);
    count += 2;
""",
        "tidemill-verifier", "cut_while_it_writes", {"I3", "I5"}),
    Mutation(
        "no refresh after a flip",
        "with another live leaf, leaf list and positions are read again",
        "verifier/ledger_write.c",
        """            decide_stale(&l->decide, "another leaf is live");
        else if""",
        """        {
            l->leaves.live = postgres_cell_i32(a, 0, 0, 0);
            memcpy(l->live_id, id.data, sizeof(l->live_id));
            decide_doubt(&l->decide, "once more, in that leaf");
        } else if""",
        "tidemill-verifier", "sent_again_after_a_flip", {"I4"}),
    Mutation(
        "sealed leaves are not asked",
        "a transaction that lies in a sealed leaf is not written again",
        "verifier/ledger_write.c",
        """        return l->leaves.count;
""",
        """        return 0;
""",
        "tidemill-verifier", "sent_again_after_a_flip", {"I4"}),
    Mutation(
        "202 at enqueue",
        "202 is answered at the brokers' ack, and not before",
        "producer/submit.c",
        """            wait_for(e, done, arg);
            return;
""",
        """            wait_for(e, done, arg);
            answer_entry(s, e, SUBMIT_ACCEPTED, "");
            return;
""",
        "tidemill-producer", "door_killed", {"I1"}),
    Mutation(
        "repeats not dropped",
        "the gateway shows an event once, however often it is announced",
        "notifier/gateway/ring.c",
        """    if (r->count > 0 && r->table[table_slot(r, e)] != NULL)
        return false;
""",
        "",
        "tidemill-gateway", "announced_again", {"I14"}),
    Mutation(
        "gap in Redis not repaired",
        "runs that do not follow are read from the topic",
        "notifier/gateway/intake.c",
        """    if (p->fetching || p->reach <= ring_next(p->ring))
        return;
""",
        """    if (p->ready || p->fetching || p->reach <= ring_next(p->ring))
        return;
""",
        "tidemill-gateway", "lost_on_the_wire", {"I14"}),
    Mutation(
        "position not read again after a rebalance",
        "each assignment reads the position anew",
        "verifier/locating.c",
        """            located(p, l, &positions[i]);
""",
        """        {
            static struct ledger_position kept[PIPELINE_LANES_MAX];
            struct ledger_position *at = &kept[positions[i].partition];

            if (!at->known)
                *at = positions[i];
            located(p, l, at);
        }
""",
        "tidemill-verifier", "rebalanced", {"I3", "I18"}),
    Mutation(
        "announced though it was rolled back",
        "only what is committed is announced",
        "verifier/written.c",
        """        wait_a_while(p);
        break;
    case LEDGER_UNKNOWN:
""",
        """        stored(p);
        break;
    case LEDGER_UNKNOWN:
""",
        "tidemill-verifier", "rolled_back", {"I12"}),
    Mutation(
        "a full window drops",
        "a partition whose window is full is paused, nothing is skipped",
        "verifier/intake.c",
        """        consumer_pause(p->consumer, l->partition.id);
        intake_move(l, PARTITION_WINDOW_FULL);
""",
        """        l->next_offset += 250;
        consumer_pause(p->consumer, l->partition.id);
        intake_move(l, PARTITION_WINDOW_FULL);
""",
        "tidemill-verifier", "burst", {"I3"}),
    Mutation(
        "results out of order",
        "results are announced in the order of their records",
        "verifier/lane.c",
        """    return l->sent < l->decided ? at(l, l->sent) : NULL;
""",
        """    if (l->sent < 2 && l->decided >= 2)
        return at(l, 1 - l->sent);
    return l->sent < l->decided ? at(l, l->sent) : NULL;
""",
        "tidemill-verifier", "plain", {"I12"}),
    Mutation(
        "the other key",
        "the sender is recovered with the parity of its signature",
        "verifier/scheme_secp256k1.c",
        """            ctx, &parsed, signature, parity) ||
""",
        """            ctx, &parsed, signature, parity ^ 1) ||
""",
        "tidemill-verifier", "plain", {"I6"}),
    Mutation(
        "high s accepted",
        "a signature has one form: s is in the lower half",
        "schemas/ethereum_rules.c",
        """    if (!set->frontier && memcmp(s, curve_half, 32) > 0)
""",
        """    if (set->frontier && memcmp(s, curve_half, 32) > 0)
""",
        "tidemill-verifier", "plain", {"I6"}),
]
