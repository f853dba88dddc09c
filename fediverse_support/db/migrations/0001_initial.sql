-- The tables of the first release.
-- depends:

-- migrate: apply

-- Row ids: milliseconds, then a rolling number, in 63 bits; they sort by the time of arrival.
create sequence id_low cycle maxvalue 1048575 minvalue 0 start 0;
create function new_id() returns bigint language sql volatile as $$
    select ((extract(epoch from clock_timestamp()) * 1000)::bigint << 20) | nextval('id_low')
$$;

-- People and how they sign in. An account is never shown to anybody; its persons are.
create table accounts (
    id bigint primary key default new_id(),
    name text not null,
    email text,
    password_hash text not null,
    role text not null default 'member' check (role in ('member', 'moderator', 'admin')),
    standing text not null default 'active' check (standing in ('pending', 'active', 'suspended', 'deleted')),
    created_at timestamptz not null
);
create unique index accounts_name on accounts (lower(name));

-- Everything with an inbox, ours (host is null) or a peer's.
create table actors (
    id bigint primary key default new_id(),
    uri text not null unique,
    kind text not null check (kind in ('person', 'group', 'instance', 'service')),
    host text,
    name text not null,
    handle_host text,
    display_name text not null default '',
    summary_html text not null default '',
    summary_source text not null default '',
    url text,
    inbox_uri text not null,
    shared_inbox_uri text,
    outbox_uri text,
    followers_uri text,
    moderators_uri text,
    key_id text,
    public_key_pem text,
    private_key bytea,
    approves_followers boolean not null default false,
    discoverable boolean not null default false,
    indexable boolean not null default false,
    standing text not null default 'visible'
        check (standing in ('visible', 'limited', 'suspended', 'deleted')),
    account_id bigint references accounts (id),
    for_group_id bigint references actors (id),
    fetched_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create unique index actors_key_id on actors (key_id) where key_id is not null;
create index actors_account on actors (account_id) where account_id is not null;
create index actors_host on actors (host) where host is not null;
create index actors_handle on actors (lower(name), handle_host);
create index actors_url on actors (url) where host is not null;
create unique index actors_one_open_person on actors (account_id)
    where account_id is not null and for_group_id is null;
create unique index actors_one_person_per_group on actors (account_id, for_group_id)
    where account_id is not null and for_group_id is not null;

-- One name space for people and groups; a name is never given out twice.
create table names (
    name text primary key check (name ~ '^[a-z0-9_]{3,30}$'),
    actor_id bigint not null references actors (id),
    taken_at timestamptz not null
);

create table groups (
    actor_id bigint primary key references actors (id),
    kind text not null check (kind in ('home', 'home-open', 'circle', 'open')),
    title text not null,
    language text not null default 'en',
    approval boolean not null default false,
    posting_restricted boolean not null default false,
    created_at timestamptz not null
);

create table group_moderators (
    group_id bigint not null references groups (actor_id),
    actor_id bigint not null references actors (id),
    since_at timestamptz not null,
    primary key (group_id, actor_id)
);

create table group_bans (
    group_id bigint not null references groups (actor_id),
    actor_id bigint not null references actors (id),
    reason text not null default '',
    banned_by bigint references actors (id),
    banned_at timestamptz not null,
    ends_at timestamptz,
    primary key (group_id, actor_id)
);

-- A follow of a group is a membership.
create table follows (
    id bigint primary key default new_id(),
    uri text not null,
    follower_id bigint not null references actors (id),
    target_id bigint not null references actors (id),
    standing text not null check (standing in ('pending', 'accepted', 'rejected', 'left', 'severed')),
    verb text not null default 'Follow' check (verb in ('Follow', 'Join')),
    created_at timestamptz not null,
    decided_at timestamptz,
    unique (follower_id, target_id)
);
create index follows_uri on follows (uri);
create index follows_target on follows (target_id, standing, follower_id);

create table posts (
    id bigint primary key default new_id(),
    uri text not null unique,
    kind text not null check (kind in ('Note', 'Page', 'Article', 'Question')),
    author_id bigint not null references actors (id),
    host text,
    group_id bigint references groups (actor_id),
    root_id bigint not null,
    parent_id bigint references posts (id),
    parent_uri text,
    audience text not null check (audience in ('public', 'unlisted', 'followers', 'group', 'direct')),
    standing text not null check (standing in ('visible', 'held', 'limited', 'removed', 'deleted')),
    title text not null default '',
    body_html text not null default '',
    body_source text,
    body_text text not null default '',
    warning text not null default '',
    sensitive boolean not null default false,
    language text not null default 'und',
    url text,
    context_uri text,
    attachments jsonb not null default '[]',
    is_locked boolean not null default false,
    published_at timestamptz not null,
    edited_at timestamptz,
    active_at timestamptz not null,
    created_at timestamptz not null
);
create index posts_group_threads on posts (group_id, active_at desc, id desc)
    where parent_id is null and parent_uri is null;
create index posts_group on posts (group_id, id desc) where group_id is not null;
create index posts_root on posts (root_id, id);
create index posts_author on posts (author_id, id desc);
create index posts_url on posts (url) where host is not null;
create index posts_held on posts (group_id, id) where standing = 'held';
create index posts_orphans on posts (parent_uri) where parent_id is null and parent_uri is not null;

-- What an edit replaced; moderators need it, deletion erases it.
create table post_edits (
    id bigint primary key default new_id(),
    post_id bigint not null references posts (id),
    title text not null,
    body_html text not null,
    warning text not null,
    replaced_at timestamptz not null
);
create index post_edits_post on post_edits (post_id, id);

create table mentions (
    post_id bigint not null references posts (id),
    actor_id bigint not null references actors (id),
    primary key (post_id, actor_id)
);
create index mentions_actor on mentions (actor_id, post_id);

-- An id that was deleted, kept so that a late Create is refused.
create table tombstones (
    uri text primary key,
    former_type text not null default '',
    deleted_at timestamptz not null
);

-- What was undone before it was heard of: a late Follow or Like with this id is refused for a day.
create table undone (
    actor_uri text not null,
    uri text not null,
    undone_at timestamptz not null,
    primary key (actor_uri, uri)
);

-- A group's re-sending of a post (boost), one per group and post.
create table announces (
    id bigint primary key default new_id(),
    uri text not null unique,
    actor_id bigint not null references actors (id),
    post_id bigint not null references posts (id),
    announced_at timestamptz not null,
    undone_at timestamptz,
    unique (actor_id, post_id)
);
create index announces_post on announces (post_id);
create index announces_actor on announces (actor_id, id desc) where undone_at is null;

create table reactions (
    id bigint primary key default new_id(),
    uri text,
    actor_id bigint references actors (id),
    actor_uri text not null,
    post_id bigint not null references posts (id),
    kind text not null default 'like' check (kind in ('like')),
    proof text not null check (proof in ('signature', 'fetch', 'local', 'group')),
    reacted_at timestamptz not null,
    unique (actor_uri, post_id, kind)
);
create index reactions_post on reactions (post_id);
create index reactions_uri on reactions (uri) where uri is not null;

-- The log of activities. The document is erased when what it carried is deleted.
create table activities (
    id bigint primary key default new_id(),
    uri text not null unique,
    actor_uri text not null,
    verb text not null,
    object_uri text,
    document text,
    direction text not null check (direction in ('in', 'out')),
    public boolean not null default false,
    created_at timestamptz not null
);
create index activities_object on activities (object_uri) where object_uri is not null;
create index activities_actor on activities (actor_uri, id desc);

-- Every verdict with its reasons, without content, for seven days.
create table decisions (
    id bigint primary key default new_id(),
    activity_uri text not null,
    actor_uri text not null,
    verb text not null,
    object_uri text,
    proof text not null,
    verdict text not null,
    reasons text[] not null,
    effects text[] not null default '{}',
    decided_at timestamptz not null
);
create index decisions_activity on decisions (activity_uri);
create index decisions_object on decisions (object_uri) where object_uri is not null;
create index decisions_age on decisions (decided_at);

-- Incoming deliveries that were proven and answered with 202, until they are applied.
create table receipts (
    id bigint primary key default new_id(),
    uri text not null unique,
    host text not null,
    signer_uri text not null,
    body text,
    standing text not null default 'waiting' check (standing in ('waiting', 'done', 'parked')),
    attempts int not null default 0,
    due_at timestamptz not null,
    last_error text,
    received_at timestamptz not null
);
create index receipts_waiting on receipts (host, id) where standing = 'waiting';
create index receipts_age on receipts (received_at);

-- A signature seen on a POST is good for one use.
create table seen_signatures (
    digest bytea primary key,
    seen_at timestamptz not null
);
create index seen_signatures_age on seen_signatures (seen_at);

-- One activity to one inbox; the row goes when the peer has it, `copies` remembers where posts went.
create table deliveries (
    id bigint primary key default new_id(),
    activity_id bigint not null references activities (id),
    sender_id bigint not null references actors (id),
    host text not null,
    inbox_uri text not null,
    post_id bigint,
    standing text not null default 'waiting' check (standing in ('waiting', 'refused', 'parked')),
    attempts int not null default 0,
    due_at timestamptz not null,
    last_error text,
    created_at timestamptz not null,
    unique (activity_id, inbox_uri)
);
create index deliveries_waiting on deliveries (host, id) where standing = 'waiting';
create index deliveries_post on deliveries (post_id) where post_id is not null;

-- Which hosts hold a copy of a post of ours, by delivery or by fetch; a Delete goes to all of them.
create table copies (
    post_id bigint not null references posts (id),
    host text not null,
    how text not null check (how in ('delivered', 'fetched')),
    since_at timestamptz not null,
    primary key (post_id, host)
);

-- One worker at a time serves one lane (the line of work of one host).
create table lanes (
    kind text not null check (kind in ('receive', 'deliver')),
    host text not null,
    worker int,
    lease uuid,
    failures int not null default 0,
    due_at timestamptz not null default '-infinity',
    primary key (kind, host)
);

-- What we learned about a host.
create table peers (
    host text primary key,
    software text,
    announce_class text check (announce_class in ('activity', 'object')),
    class_fixed boolean not null default false,
    signature_scheme text not null default 'cavage' check (signature_scheme in ('cavage', 'rfc9421')),
    asked_at timestamptz,
    last_heard_at timestamptz
);

create table domain_rules (
    domain text primary key,
    severity text not null check (severity in ('allow', 'limit', 'hold', 'suspend')),
    reject_media boolean not null default false,
    reject_reports boolean not null default false,
    reason text not null default '',
    private_note text not null default '',
    created_by bigint references accounts (id),
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table reports (
    id bigint primary key default new_id(),
    uri text unique,
    reporter_id bigint references actors (id),
    from_host text,
    target_id bigint references actors (id),
    group_id bigint references groups (actor_id),
    post_ids bigint[] not null default '{}',
    reason text not null default 'other',
    body text not null default '',
    standing text not null default 'open' check (standing in ('open', 'resolved')),
    created_at timestamptz not null,
    resolved_at timestamptz,
    resolved_by bigint references accounts (id)
);
create index reports_open on reports (id) where standing = 'open';

-- What staff did; append only.
create table mod_actions (
    id bigint primary key default new_id(),
    account_id bigint references accounts (id),
    action text not null,
    subject text not null,
    reason text not null default '',
    created_at timestamptz not null
);
create function mod_actions_are_kept() returns trigger language plpgsql as $$
begin
    raise exception 'mod_actions is append-only';
end $$;
create trigger mod_actions_append_only before update or delete on mod_actions
    for each row when (current_setting('fediverse_support.erase', true) is distinct from 'on')
    execute function mod_actions_are_kept();

create table notifications (
    id bigint primary key default new_id(),
    account_id bigint not null references accounts (id),
    kind text not null check (kind in ('mention', 'reply', 'follow', 'joined', 'declined', 'held', 'approved', 'removed')),
    actor_id bigint references actors (id),
    post_id bigint references posts (id),
    created_at timestamptz not null,
    read_at timestamptz
);
create index notifications_account on notifications (account_id, id desc);

create table sessions (
    token_hash bytea primary key,
    account_id bigint not null references accounts (id),
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create table tokens (
    token_hash bytea primary key,
    account_id bigint not null references accounts (id),
    person_id bigint not null references actors (id),
    scopes text[] not null,
    created_at timestamptz not null,
    last_used_at timestamptz
);

create table idempotency_keys (
    account_id bigint not null references accounts (id),
    key text not null,
    post_id bigint not null references posts (id),
    created_at timestamptz not null,
    primary key (account_id, key)
);

-- Failed sign-ins per name and address, so that throttling holds for every process.
create table sign_in_failures (
    subject text not null,
    failed_at timestamptz not null
);
create index sign_in_failures_subject on sign_in_failures (subject, failed_at);

-- Instance-wide values: its own keys' fingerprint, the demo marker.
create table settings (
    name text primary key,
    value text not null
);

-- migrate: rollback
