-- The words of what was stored before, while new posts already keep their own.
-- depends: 0016_words_of_posts

-- migrate: apply

insert into post_words (post_id, author_id, group_id, findable, words)
select p.id, p.author_id, p.group_id, a.indexable, words_of(p, a.indexable)
from posts p join actors a on a.id = p.author_id where p.standing not in ('removed', 'deleted')
on conflict do nothing;
create index post_words_words on post_words using gin (words) with (gin_pending_list_limit = 512);

-- migrate: rollback
