using System.Collections.Immutable;

namespace WolfScale.MariaDb.Connections;

/// <summary>One row of an administrative result, as text.</summary>
public sealed class Row(ImmutableArray<string> names, string?[] values)
{
    /// <summary>The first column.</summary>
    public string? First => values.Length > 0 ? values[0] : null;

    /// <summary>The column's text, or "" where it is NULL or absent: older servers lack some columns.</summary>
    public string this[string name] => Find(name) ?? "";

    /// <summary>The column's text, or null where it is NULL or absent. Names are compared without case.</summary>
    public string? Find(string name)
    {
        for (var i = 0; i < names.Length; i++)
        {
            if (string.Equals(names[i], name, StringComparison.OrdinalIgnoreCase))
                return values[i];
        }

        return null;
    }
}
