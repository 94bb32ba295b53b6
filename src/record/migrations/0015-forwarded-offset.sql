-- What was at its end when its member last said so is not any more once its log has grown.
alter table lane_forwarded add column next_offset bigint;
