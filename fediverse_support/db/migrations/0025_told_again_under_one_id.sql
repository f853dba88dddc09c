-- What comes again under a known id may be news: only a Create or an Announce is settled by its id.
-- depends: 0024_what_a_relay_carried

-- migrate: apply

-- Some servers have one id for every follow of a pair, or for every edit of a post.
-- 0 where the id alone says that it came before, else a number of the delivery's own.
alter table receipts add column apart bigint not null default 0;
alter table receipts drop constraint receipts_uri_key;
alter table receipts add constraint receipts_once unique (uri, apart);

-- migrate: rollback
