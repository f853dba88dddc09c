-- Every list of posts is read by an index of its own; those with a host pass by suspended servers without a row.
-- depends: 0014_outboxes

-- migrate: apply

create index posts_parent on posts (parent_id, id desc) where parent_id is not null;
create index posts_public_here on posts (id desc)
    where host is null and audience = 'public' and standing = 'visible' and parent_id is null and parent_uri is null;
create index posts_public_away on posts (id desc) include (host)
    where host is not null and audience = 'public' and standing = 'visible' and parent_id is null
        and parent_uri is null;
create index posts_group_roots on posts (group_id, id desc) include (host)
    where parent_id is null and parent_uri is null;
create index posts_author_open on posts (author_id, id desc) where audience <> 'group';
create index posts_author_roots on posts (author_id, id desc) where parent_id is null and parent_uri is null;
create index posts_profile on posts (author_id, id desc) where group_id is null;
create index posts_pictures on posts (author_id, id desc) where attachments <> '[]'::jsonb;
create index posts_group_pictures on posts (group_id, id desc) include (host)
    where attachments <> '[]'::jsonb and parent_id is null and parent_uri is null;

-- migrate: rollback
