using System.Collections.Frozen;

namespace WolfScale.Server.Http.Data.Catalogue;

/// <summary>Schemas that are not the applications': MariaDB's own, and WolfScale's.</summary>
internal static class ProtectedSchemas
{
    /// <summary>
    /// What the HTTP API itself keeps. Unlike <c>wolfscale</c>, which each server has for itself, it is replicated, copied and compared as any schema of the users is: it must be the same on all nodes.
    /// </summary>
    public const string OfApi = "wolfscale_api";

    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "mysql", "information_schema", "performance_schema", "sys", "wolfscale", OfApi, "wolfscale_incoming");

    public static bool Contains(string schema) => Names.Contains(schema);

    public static FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Lookup => Names.GetAlternateLookup<ReadOnlySpan<char>>();

    public static DataProblemException Refusal(string schema) =>
        new(403, "protected_schema", "This schema is not the applications'", $"The schema {schema} belongs to MariaDB or to WolfScale, and is not for the HTTP API.");
}
