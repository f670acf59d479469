namespace WolfScale.Proxy.Sql;

/// <summary>
/// The words by what a parenthesis after them means. Asked from MariaDB 10.11.19: for every word of information_schema.KEYWORDS and
/// SQL_FUNCTIONS, does <c>SELECT word(..)</c> and <c>SELECT word (..)</c> look for a stored function (errors 1305, 1630)?
/// </summary>
internal static class WordLists
{
    public const string Functions =
        "abs acos add_months addtime aes_decrypt aes_encrypt ascii asin atan atan2 avg benchmark bin bit_count bit_length ceil " +
        "ceiling char char_length character character_length charset chr coalesce coercibility collation column_add column_check " +
        "column_create column_delete column_exists column_json column_list compress concat concat_operator_oracle concat_ws conv " +
        "convert_tz cos cot crc32 crc32c current_date current_role current_time current_timestamp current_user database date " +
        "date_format datediff day dayname dayofmonth dayofweek dayofyear decode decode_histogram decode_oracle degrees elt encode " +
        "encrypt exp export_set extractvalue field find_in_set floor format from_base64 from_days from_unixtime greatest hex hour " +
        "if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 isnull " +
        "json_array json_array_append json_array_insert json_compact json_contains json_contains_path json_depth json_detailed " +
        "json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge json_merge_patch " +
        "json_merge_preserve json_normalize json_object json_overlaps json_pretty json_query json_quote json_remove json_replace " +
        "json_search json_set json_type json_unquote json_valid json_value last_day last_value lcase least left length lengthb ln " +
        "localtime localtimestamp locate log log10 log2 lower lpad lpad_oracle ltrim ltrim_oracle make_set makedate maketime md5 " +
        "microsecond minute mod month monthname name_const natural_sort_key nullif nvl nvl2 oct octet_length old_password ord " +
        "password period_add period_diff pi pow power quarter quote radians rand random_bytes regexp_instr regexp_replace " +
        "regexp_substr repeat replace replace_oracle reverse right round rownum rpad rpad_oracle rtrim rtrim_oracle schema " +
        "sec_to_time second sformat sha sha1 sha2 sign sin sleep soundex space sqrt str_to_date strcmp substr_oracle " +
        "substring_index subtime sys_guid sysdate tan time time_format time_to_sec timediff timestamp to_base64 to_char to_days " +
        "to_seconds truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml upper user utc_date utc_time " +
        "utc_timestamp uuid version week weekday weekofyear weight_string year yearweek";

    public const string SpatialFunctions =
        "area asbinary astext aswkb aswkt boundary buffer centroid contains convexhull crosses dimension disjoint endpoint " +
        "envelope equals exteriorring geomcollfromtext geomcollfromwkb geometrycollectionfromtext " +
        "geometrycollectionfromwkb geometryfromtext geometryfromwkb geometryn geometrytype geomfromtext geomfromwkb glength " +
        "interiorringn intersects isclosed isempty isring issimple linefromtext linefromwkb linestringfromtext " +
        "linestringfromwkb mbrcontains mbrdisjoint mbrequal mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin " +
        "mlinefromtext mlinefromwkb mpointfromtext mpointfromwkb mpolyfromtext mpolyfromwkb " +
        "multilinestringfromtext multilinestringfromwkb multipointfromtext multipointfromwkb " +
        "multipolygonfromtext multipolygonfromwkb numgeometries numinteriorrings numpoints overlaps pointfromtext " +
        "pointfromwkb pointn pointonsurface polyfromtext polyfromwkb polygonfromtext polygonfromwkb srid st_area " +
        "st_asbinary st_asgeojson st_astext st_aswkb st_aswkt st_boundary st_buffer st_centroid st_contains st_convexhull " +
        "st_crosses st_difference st_dimension st_disjoint st_distance st_distance_sphere st_endpoint st_envelope st_equals " +
        "st_exteriorring st_geomcollfromtext st_geomcollfromwkb st_geometrycollectionfromtext st_geometrycollectionfromwkb " +
        "st_geometryfromtext st_geometryfromwkb st_geometryn st_geometrytype st_geomfromgeojson st_geomfromtext st_geomfromwkb " +
        "st_interiorringn st_intersection st_intersects st_isclosed st_isempty st_isring st_issimple st_linefromtext " +
        "st_linefromwkb st_linestringfromtext st_linestringfromwkb st_mlinefromtext st_mlinefromwkb st_mpointfromtext " +
        "st_mpointfromwkb st_mpolyfromtext st_mpolyfromwkb st_multilinestringfromtext st_multilinestringfromwkb " +
        "st_multipointfromtext st_multipointfromwkb st_multipolygonfromtext st_multipolygonfromwkb st_numgeometries " +
        "st_numinteriorrings st_numpoints st_overlaps st_pointfromtext st_pointfromwkb st_pointn st_pointonsurface " +
        "st_polyfromtext st_polyfromwkb st_polygonfromtext st_polygonfromwkb st_relate st_srid st_startpoint st_symdifference " +
        "st_touches st_union st_within st_x st_y startpoint touches within x y";

    /// <summary>
    /// MariaDB's own with two arguments (point) or at least one (the others), else looked up as stored functions.
    /// </summary>
    public const string SpatialConstructors =
        "geometrycollection linestring multilinestring multipoint multipolygon point polygon";

    public const string AdjacentFunctions =
        "adddate bit_and bit_or bit_xor cast count cume_dist curdate curtime date_add date_sub dense_rank extract first_value " +
        "group_concat json_arrayagg json_objectagg lag lead max median mid min now nth_value ntile percent_rank percentile_cont " +
        "percentile_disc position rank session_user std stddev stddev_pop stddev_samp subdate substr substring sum system_user " +
        "trim trim_oracle var_pop var_samp variance";

    public const string Syntax =
        "accessible add all alter analyze and any as asc asensitive backup before begin between bigint binary binlog bit blob " +
        "bool boolean both by byte cache call cascade case change check checkpoint checksum clob close code collate column " +
        "column_get comment commit compressed condition constraint continue convert create cross cursor databases datetime " +
        "day_hour day_microsecond day_minute day_second deallocate dec decimal declare delayed delete delete_domain_id desc " +
        "describe deterministic distinct distinctrow div do do_domain_ids double drop dual each else elseif enclosed end enum " +
        "escaped examined except exclude execute exists exit explain false fetch fixed float float4 float8 flush following " +
        "follows for force foreign from fulltext function get_format global grant group handler having help high_priority host " +
        "hour_microsecond hour_minute hour_second id ignore ignore_domain_ids ignored in index infile inner inout insensitive " +
        "install int int1 int2 int3 int4 int8 integer intersect interval into is iterate join json key keys kill language leading " +
        "leave like limit linear lines load local lock long longblob longtext loop low_priority master_demote_to_replica " +
        "master_demote_to_slave master_ssl_verify_server_cert match maxvalue medium mediumblob mediumint mediumtext middleint " +
        "minute_microsecond minute_second modifies names national natural nchar no no_write_to_binlog not null number numeric " +
        "nvarchar offset on open optimize option optionally options or order others out outer outfile over owner page_checksum " +
        "parse_vcol_expr parser partition period port portion precedes preceding precision prepare primary procedure purge range " +
        "raw read read_write reads real recursive ref_system_id references regexp release remove rename repair replica replicas " +
        "require reset resignal restore restrict return returning revoke rlike role rollback row row_number rows savepoint " +
        "schemas second_microsecond security select sensitive separator serial server session show shutdown signal signed slave " +
        "slaves smallint socket some soname sounds spatial specific sql sql_big_result sql_buffer_result sql_cache sql_no_cache " +
        "sql_small_result sqlexception sqlstate sqlwarning ssl start starting stats_auto_recalc stats_persistent " +
        "stats_sample_pages stop stored straight_join table terminated text then ties timestampadd timestampdiff tinyblob tinyint " +
        "tinytext to trailing trigger true unbounded undo unicode uninstall union unique unlock unsigned update upgrade usage use " +
        "using value values varbinary varchar varchar2 varcharacter varying when where while window with wrapper write xa xor " +
        "year_month zerofill";

    public const string UserLock = "is_free_lock is_used_lock release_lock release_all_locks";

    public const string LastStatement = "last_insert_id found_rows row_count";

    /// <summary>
    /// A connection id is the leader's, because KILL is executed there. UUID_SHORT is unique among servers by one byte of server_id. DES
    /// functions read a key file, LOAD_FILE any file.
    /// </summary>
    public const string ServerLocal =
        "connection_id uuid_short load_file des_encrypt des_decrypt master_pos_wait master_gtid_wait binlog_gtid_pos " +
        "wsrep_last_seen_gtid wsrep_last_written_gtid wsrep_sync_wait_upto_gtid";

    /// <summary>DEFAULT(column) evaluates the default, which may be NEXTVAL of a sequence (measured).</summary>
    public const string Sequence = "nextval setval default";
}
