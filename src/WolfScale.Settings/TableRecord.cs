using System.Collections.Immutable;

namespace WolfScale.Settings;

/// <summary>
/// Makes the records of arrays of tables. Each has its line here: a list of a type that is known at run time only is what a program without a just-in-time compiler (<c>wolfctl</c>, as it is published) cannot make.
/// </summary>
internal static class TableRecord
{
    /// <summary>One with its defaults.</summary>
    public static object New(Type record) => record == typeof(ApiToken) ? new ApiToken() : throw Unknown(record);

    /// <summary>What a property that holds such tables takes.</summary>
    public static object List(Type record, IEnumerable<object> tables) => record == typeof(ApiToken) ? tables.Cast<ApiToken>().ToImmutableArray() : throw Unknown(record);

    private static InvalidOperationException Unknown(Type record) => new($"No tables are made of {record}.");
}
