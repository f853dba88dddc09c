-- Posts that their own server says are not there: asked for again over some days, then hidden until they are found.
-- depends: 0006_why_keys_are_refused

-- migrate: apply

create table missing_posts (
    uri text primary key,
    since_at timestamptz not null,
    asked_at timestamptz not null,
    times int not null default 1,
    hidden_from text check (hidden_from in ('visible', 'limited', 'held'))
);

-- migrate: rollback
