namespace WolfScale.Protocol.Handshake;

/// <summary>MariaDB's extended capability flags: the last four of the reserved bytes of greeting and login.</summary>
[Flags]
public enum MariaDbCapabilities : uint
{
    None = 0,
    Progress = 1,
    BulkExecute = 1 << 2,

    /// <summary>Column definitions have one more field, for the name or format of a type (JSON, INET6).</summary>
    ExtendedMetadata = 1 << 3,

    /// <summary>After the number of columns a byte says whether their definitions follow.</summary>
    CacheMetadata = 1 << 4,
}
