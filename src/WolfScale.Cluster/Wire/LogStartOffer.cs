using WolfScale.Wal;

namespace WolfScale.Cluster.Wire;

/// <summary>
/// From a leader, to a member that needs entries which the leader's log no longer has: where that log begins, so that the member's can begin there too. What lies before
/// it the member's MariaDB gets by a migration.
/// </summary>
/// <param name="Term">The term the sender leads in.</param>
/// <param name="ClusterId">Whose log it is.</param>
/// <param name="Start">All that must be known of the entries before it.</param>
internal sealed record LogStartOffer(long Term, Guid ClusterId, LogStart Start)
{
    private const int MaxConfigurationBytes = 64 * 1024;

    public byte[] Frame() => ClusterMessages.Build(FrameKind.LogStart, writer =>
    {
        writer.Position(Term);
        writer.Guid(ClusterId);
        writer.Position(Start.Before.Lsn);
        writer.Position(Start.Before.Term);
        writer.Position(Start.Configuration?.Lsn ?? 0);
        writer.UInt32((uint)(Start.Configuration?.Payload.Length ?? 0));
        writer.Bytes(Start.Configuration is { } configuration ? configuration.Payload.Span : default);
        writer.Flag(Start.LastGroup is not null);
        var group = Start.LastGroup ?? default;
        writer.UInt32(group.Key.Domain);
        writer.UInt32(group.Key.ServerId);
        writer.UInt64(group.Key.Sequence);
        writer.Position(group.LastLsn);
    });

    public static LogStartOffer Read(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var (term, cluster, before) = (reader.Position(), reader.Guid(), new WalPosition(reader.Position(), reader.Position()));
        var (lsn, length) = (reader.Position(), reader.UInt32());
        if (length > MaxConfigurationBytes)
            throw new WireFormatException($"a configuration of {length} bytes stands where at most {MaxConfigurationBytes} are allowed");
        var bytes = reader.Take((int)length).ToArray();
        var hasGroup = reader.Flag();
        var group = new GroupEnd(new EntryKey(reader.UInt32(), reader.UInt32(), reader.UInt64()), reader.Position());
        reader.End();
        if (length == 0 || lsn > before.Lsn || before.Lsn == 0 || before.Term > term || group.LastLsn > before.Lsn)
            throw new WireFormatException($"a log that is said to begin after LSN {before.Lsn} of term {before.Term} cannot have a configuration at LSN {lsn} and a group up to LSN {group.LastLsn}");
        return new LogStartOffer(term, cluster, new LogStart(before, new ConfigurationEntry(lsn, bytes), hasGroup ? group : null));
    }
}
