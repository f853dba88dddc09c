-- Authors are told of likes, of each person and post once; and whoever follows a group is welcomed once.
-- depends: 0036_names_of_one_account

-- migrate: apply

alter table notifications drop constraint notifications_kind_check;
alter table notifications add constraint notifications_kind_check check (kind in (
    'mention', 'reply', 'liked', 'follow', 'joined', 'declined', 'held', 'approved', 'removed',
    'restored', 'locked', 'unlocked', 'banned', 'unbanned', 'not_taken', 'message')) not valid;
create unique index notifications_liked on notifications (person_id, actor_id, post_id) where kind = 'liked';

-- Who was there before is not new.
alter table follows add column is_welcomed bool not null default true;
alter table follows alter column is_welcomed set default false;
update follows set is_welcomed = false where standing = 'pending';

-- migrate: rollback
