using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.MariaDb.Connections;

/// <summary>Which schemas are the users': neither MariaDB's own, nor WolfScale's, nor what a copy of another server's accounts is loaded into.</summary>
internal static class UserSchemas
{
    /// <summary>SQL's condition on a column that names a schema.</summary>
    public static string Are(string column) =>
        $"LOWER({column}) NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', '{PrivilegeRules.OwnSchema}', '{DumpFormat.IncomingSchema}', '#mysql50#lost+found')";
}
