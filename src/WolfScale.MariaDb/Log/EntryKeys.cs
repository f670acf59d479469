using WolfScale.Protocol;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Log;

/// <summary>A GTID as the log keys its groups, and back.</summary>
internal static class EntryKeys
{
    public static EntryKey ToKey(this Gtid gtid) => new(gtid.Domain, gtid.ServerId, gtid.Sequence);

    public static Gtid ToGtid(this EntryKey key) => new(key.Domain, key.ServerId, key.Sequence);
}
