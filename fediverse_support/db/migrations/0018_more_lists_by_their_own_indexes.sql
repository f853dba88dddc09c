-- The other lists have indexes of their own too, and an announce knows which server its post is from.
-- depends: 0017_words_of_known_posts

-- migrate: apply

-- The host of the announced post, so that those of a suspended server are passed by without looking at the post.
alter table announces add column host text;
update announces n set host = p.host from posts p where p.id = n.post_id and p.host is not null;
create index announces_by_actor on announces (actor_id, id desc) include (host, post_id) where undone_at is null;
drop index announces_actor;

create index posts_group_talks on posts (group_id, active_at desc, id desc) include (host)
    where parent_id is null and parent_uri is null;
drop index posts_group_threads;

create index posts_profile_opens on posts (author_id, id desc)
    where group_id is null and parent_id is null and parent_uri is null and standing in ('visible', 'limited')
        and audience <> 'direct';
create index posts_profile_replies on posts (author_id, id desc)
    where group_id is null and (parent_id is not null or parent_uri is not null) and standing in ('visible', 'limited')
        and audience <> 'direct';
drop index posts_profile;

create index posts_held_longest on posts (id) where standing = 'held';
create index reports_open_group on reports (group_id, id) where standing = 'open';

create index notifications_kind on notifications (account_id, kind, id desc);
create index notifications_actor on notifications (account_id, actor_id, id desc);

create index actors_named on actors ((lower(name)) collate "C") where kind <> 'group' and discoverable;
create index actors_called on actors ((lower(display_name)) collate "C") where kind <> 'group' and discoverable;
create index actors_groups_here on actors (id) where kind = 'group' and host is null;

create index accounts_pending on accounts (id) where standing = 'pending';
create index follows_pending on follows (target_id, id) where standing = 'pending';
create index receipts_parked on receipts (id) where standing = 'parked';
create index deliveries_parked on deliveries (id) where standing = 'parked';
create index deliveries_refused on deliveries (id) where standing = 'refused';

-- migrate: rollback
