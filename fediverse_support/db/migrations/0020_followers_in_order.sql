-- Followers are listed in the order in which they asked, a page at a time.
-- depends: 0019_changes_are_told

-- migrate: apply

create index follows_accepted on follows (target_id, id) where standing = 'accepted';

-- migrate: rollback
