using System.Globalization;

namespace WolfScale.MariaDb.Tuning;

/// <summary>Why a setting is in the file.</summary>
public enum SettingKind
{
    /// <summary>Preflight asks for it, or the node sets it at run time: without it the server comes up unfit or unsafe.</summary>
    Needed,

    /// <summary>MariaDB's own default, needed as well: written only against another value that stands somewhere.</summary>
    Guard,

    /// <summary>For speed on this machine. What the user has chosen stands.</summary>
    Faster,
}

/// <summary>One line of MariaDB's option file.</summary>
/// <param name="Name">The variable, with underscores.</param>
/// <param name="Value">As it is written.</param>
/// <param name="Kind">Why it is there.</param>
/// <param name="Why">What it is for, or what happens otherwise; for people.</param>
public sealed record ServerSetting(string Name, string Value, SettingKind Kind, string Why)
{
    /// <summary>Whether another value of the variable serves as well.</summary>
    internal Func<string, bool> Serves { get; init; } = static _ => false;

    /// <summary>Whether the server is as it should be with this value: the same, or one that serves as well.</summary>
    public bool Accepts(string value) => Same(Value, value) || Serves(value);

    /// <summary>The same with another value.</summary>
    public ServerSetting With(string value) => this with { Value = value };

    /// <summary>ON and 1 are the same, and so are 64M and 67108864.</summary>
    public static bool Same(string one, string other) => string.Equals(Plain(one), Plain(other), StringComparison.OrdinalIgnoreCase);

    internal static long? Bytes(string value)
    {
        var shift = value.Length == 0 ? 0 : char.ToUpperInvariant(value[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 };
        return long.TryParse(shift > 0 ? value.AsSpan(0, value.Length - 1) : value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number << shift : null;
    }

    private static string Plain(string value) => value.ToUpperInvariant() switch
    {
        "ON" or "TRUE" or "YES" => "1",
        "OFF" or "FALSE" or "NO" => "0",
        _ => Bytes(value)?.ToString(CultureInfo.InvariantCulture) ?? value,
    };
}
