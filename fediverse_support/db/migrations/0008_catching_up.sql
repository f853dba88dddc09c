-- What is asked for after a suspension: posts that were written in shared threads while nobody listened.
-- depends: 0007_missing_posts

-- migrate: apply

-- A post, or a list of posts (`replies`, `context`). `rounds` says how much further lists lead from here, `pages` how
-- many more pages of this list are turned. What was asked stays for a while, so that nothing is asked twice.
create table catch_ups (
    uri text primary key,
    host text not null,
    kind text not null check (kind in ('post', 'list')),
    rounds int not null,
    pages int not null,
    attempts int not null default 0,
    due_at timestamptz not null,
    asked_at timestamptz
);
create index catch_ups_due on catch_ups (due_at) where asked_at is null;
create index catch_ups_host on catch_ups (host);

-- migrate: rollback
