CREATE TABLE payamak_account (
    name TEXT PRIMARY KEY,
    hold TEXT,                              -- 'hold' or 'rest' (the breaker's); NULL: it sends
    hold_until REAL,                        -- NULL: until it is released
    reason TEXT,
    failures INTEGER NOT NULL DEFAULT 0,    -- batches in a row without a usable answer
    rests INTEGER NOT NULL DEFAULT 0,       -- how often in a row the breaker has made it rest
    probe TEXT,                             -- the token of the worker that probes it
    probe_until REAL,
    next_turn REAL NOT NULL DEFAULT 0,      -- the next turn of its rate that nobody has reserved
    next_go REAL NOT NULL DEFAULT 0         -- no batch may be dispatched before
);

CREATE TABLE payamak_campaign (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT UNIQUE,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,                     -- 'text', 'p2p' or 'pattern'
    state TEXT NOT NULL,                    -- loading queued running paused done cancelled
    reason TEXT,
    text TEXT,
    sender TEXT,
    pattern TEXT,                           -- JSON
    params TEXT,                            -- JSON
    options TEXT,                           -- JSON: more keyword arguments of the provider's call
    content_hash BLOB,
    size INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL DEFAULT 0,
    not_before REAL,
    expires REAL,
    hours TEXT,                             -- the window, as JSON
    next_at REAL,                           -- when a batch may be claimed; NULL: there is none to claim
    loading_until REAL,
    created_at REAL NOT NULL,
    ended_at REAL,
    pruned_at REAL
);
CREATE INDEX ix_payamak_campaign_next ON payamak_campaign (account, priority DESC, id) WHERE next_at IS NOT NULL;
CREATE INDEX ix_payamak_campaign_open ON payamak_campaign (account, state) WHERE ended_at IS NULL;
CREATE INDEX ix_payamak_campaign_expires ON payamak_campaign (expires) WHERE ended_at IS NULL AND expires IS NOT NULL;
CREATE INDEX ix_payamak_campaign_loading ON payamak_campaign (loading_until) WHERE loading_until IS NOT NULL;

CREATE TABLE payamak_batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    campaign_id INTEGER NOT NULL REFERENCES payamak_campaign (id) DEFERRABLE INITIALLY DEFERRED, -- as Django deletes
    account TEXT NOT NULL,
    chunk INTEGER NOT NULL,                 -- batches of one chunk share its stretch of positions
    first INTEGER NOT NULL,                 -- the position of its first recipient in the campaign
    size INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'new',      -- new claimed sending done
    payload BLOB,                           -- see payloads.py; NULL once it is pruned
    sender TEXT,                            -- of p2p messages that name one
    claim TEXT,
    lease_until REAL,
    tries INTEGER NOT NULL DEFAULT 0,       -- how often it was dispatched
    hops TEXT,                              -- JSON: to whom it was dispatched, with which request id, and when
    dropped TEXT,                           -- JSON: the places of recipients that were suppressed
    outcome TEXT,                           -- of all recipients, where there are no rows in payamak_message
    errors TEXT,                            -- JSON
    long_ids TEXT,                          -- JSON: message ids of more than 64 bits by place
    accepted INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    not_sent INTEGER NOT NULL DEFAULT 0,
    unknown INTEGER NOT NULL DEFAULT 0,
    deliveries TEXT,                        -- JSON: how many messages by delivery status
    cost TEXT,
    parts INTEGER,
    polls INTEGER NOT NULL DEFAULT 0,       -- how often its deliveries were asked for
    track_at REAL,                          -- when they are asked for next; NULL: never
    ended_at REAL
);
CREATE INDEX ix_payamak_batch_open ON payamak_batch (campaign_id, state, id) WHERE state <> 'done';
CREATE INDEX ix_payamak_batch_lease ON payamak_batch (account, lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX ix_payamak_batch_track ON payamak_batch (account, track_at) WHERE track_at IS NOT NULL;
CREATE INDEX ix_payamak_batch_chunk ON payamak_batch (campaign_id, chunk, first);

CREATE TABLE payamak_message (
    id INTEGER PRIMARY KEY,                 -- batch_id * 2^20 + the place in the batch
    batch_id INTEGER NOT NULL,
    position INTEGER NOT NULL,              -- in the campaign
    recipient TEXT,                         -- E.164; NULL once it is pruned
    outcome TEXT NOT NULL,
    message_id INTEGER,
    error INTEGER,                          -- an index of the batch's errors
    hop INTEGER,                            -- an index of the batch's hops
    sent_at REAL,                           -- where it is not its hop's
    delivery TEXT,
    delivery_at REAL                        -- when that was seen
);
CREATE INDEX ix_payamak_message_provider ON payamak_message (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE payamak_report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    recipient TEXT,                         -- E.164, where the id belongs to several messages
    status TEXT NOT NULL,
    received_at REAL NOT NULL,
    tried INTEGER NOT NULL DEFAULT 0        -- 1: its id was unknown when it was looked for
);
CREATE INDEX ix_payamak_report_new ON payamak_report (id) WHERE tried = 0;
CREATE INDEX ix_payamak_report_id ON payamak_report (message_id);

CREATE TABLE payamak_inbound (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    message_id INTEGER,
    digest BLOB NOT NULL,                   -- of what the provider gave, by which a message without an id is known again
    marked INTEGER NOT NULL DEFAULT 0,      -- 1: the provider does not hand it out again
    line TEXT NOT NULL,
    sender TEXT NOT NULL,
    text TEXT NOT NULL,
    day TEXT,
    received_at REAL,
    raw TEXT NOT NULL,                      -- JSON
    stored_at REAL NOT NULL
);
CREATE INDEX ix_payamak_inbound_account ON payamak_inbound (account, id);
CREATE INDEX ix_payamak_inbound_id ON payamak_inbound (account, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX ix_payamak_inbound_open ON payamak_inbound (account) WHERE marked = 0;

CREATE TABLE payamak_suppression (
    recipient TEXT PRIMARY KEY,             -- E.164
    created_at REAL NOT NULL
);

CREATE TABLE payamak_counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO payamak_counter (name, value) VALUES ('suppression', 0);
