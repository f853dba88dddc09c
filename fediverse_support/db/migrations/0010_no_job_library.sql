-- Lanes are woken by a notification, which stores nothing: the tables of the job library go, and its log with them.
-- depends: 0009_lanes_of_a_session

-- migrate: apply

drop table if exists pgqueuer, pgqueuer_log, pgqueuer_statistics, pgqueuer_schedules cascade;
drop function if exists fn_pgqueuer_changed() cascade;
drop type if exists pgqueuer_status, pgqueuer_statistics_status;

-- migrate: rollback
