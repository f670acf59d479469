namespace WolfScale.Settings;

/// <summary>The source of <c>replication.mode = "binlog"</c>. Host, port, user and password default to those of <c>[database]</c>.</summary>
public sealed record BinlogSection
{
    public string? Host { get; init; }

    [Within(1, 65535)]
    public int? Port { get; init; }

    public string? User { get; init; }

    [Secret]
    public string? Password { get; init; }

    /// <summary>The first of ten ids that WolfScale may use against the source.</summary>
    [Within(1, 4_294_967_286)]
    public long ServerId { get; init; } = 1001;

    /// <summary>A GTID position, or <c>file:offset</c>; empty: now.</summary>
    public string StartPosition { get; init; } = "";
}
