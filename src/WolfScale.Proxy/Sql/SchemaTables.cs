using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// Tables of information_schema that tell what replication carries. The others tell of one server: processes, locks, engine status, and
/// EVENTS, whose status differs on followers.
/// </summary>
internal static class SchemaTables
{
    private static readonly byte[][] Names =
    [
        .. ("applicable_roles character_sets check_constraints collations collation_character_set_applicability columns column_privileges " +
            "enabled_roles geometry_columns keywords key_column_usage parameters partitions referential_constraints routines schemata " +
            "schema_privileges spatial_ref_sys sql_functions statistics tables table_constraints table_privileges triggers " +
            "user_privileges views").Split(' ').Select(Encoding.ASCII.GetBytes),
    ];

    public static bool Contains(ReadOnlySpan<byte> name)
    {
        foreach (byte[] known in Names)
        {
            if (Ascii.EqualsIgnoreCase(name, known))
                return true;
        }

        return false;
    }
}
