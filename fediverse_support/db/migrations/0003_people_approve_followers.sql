-- Whoever asks to follow one of our people waits until that person answers. Who follows already goes on.
-- depends: 0001_initial

-- migrate: apply

update actors set approves_followers = true where kind = 'person' and host is null;

-- migrate: rollback
