namespace WolfScale.Wal;

/// <summary>
/// The GTID of a <see cref="EntryKind.Group"/> entry, as MariaDB writes it (domain-server-sequence); <c>default</c> on other entries.
/// </summary>
public readonly record struct EntryKey(uint Domain, uint ServerId, ulong Sequence)
{
    /// <summary>The GTID as text, for messages: <c>0-1-5</c>.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Domain}-{ServerId}-{Sequence}");
}
