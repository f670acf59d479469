using System.Collections.Immutable;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>What a node tells all others with every heartbeat.</summary>
/// <param name="DurableLsn">Last LSN durable in its log.</param>
/// <param name="Stopped">Why it does not take part, empty when it does.</param>
/// <param name="Goodbye">It stops now, on purpose.</param>
/// <param name="BehindRetention">Leader: members that need entries which its log no longer has.</param>
internal sealed record NodeReport(
    RaftRole Role, long Term, long DurableLsn, long CommitLsn, LocalState Local, string Stopped, bool Goodbye, ImmutableArray<NodeKey> BehindRetention)
{
    private const int MaxText = 1000;
    private const int MaxAddress = 255;
    private const int MaxPosition = 4000;
    private const int MaxAnnouncement = 8000;
    private const int MaxKeys = 64;

    public byte[] Frame() => ClusterMessages.Build(FrameKind.Status, writer =>
    {
        writer.Byte((byte)Role);
        writer.Position(Term);
        writer.Position(DurableLsn);
        writer.Position(CommitLsn);
        writer.Position(Local.AppliedLsn);
        writer.Text(Local.AppliedGtid, MaxPosition);
        writer.Flag(Local.Fit);
        writer.Byte((byte)Local.Status);
        writer.Text(Local.Reason, MaxText);
        writer.Text(Local.DatabaseHealth, MaxText);
        writer.Text(Local.DatabaseVersion, MaxText);
        writer.UInt32(Local.DatabaseServerId);
        writer.Text(Local.DatabaseAnnouncement, MaxAnnouncement);
        writer.Text(Local.ApiAddress, MaxAddress);
        writer.Text(Local.ProxyAddress, MaxAddress);
        writer.Text(Stopped, MaxText);
        writer.Flag(Goodbye);
        writer.UInt16((ushort)Math.Min(MaxKeys, BehindRetention.Length));
        foreach (var key in BehindRetention.AsSpan()[..Math.Min(MaxKeys, BehindRetention.Length)])
        {
            writer.Text(key.Id, MaxAddress);
            writer.UInt64(key.Incarnation);
        }
    });

    public static NodeReport Read(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var role = reader.Byte();
        if (role > (byte)RaftRole.Leader)
            throw new WireFormatException($"a role is {role}");
        var term = reader.Position();
        var durable = reader.Position();
        var commit = reader.Position();
        var local = ReadLocal(ref reader);
        var stopped = reader.Text(MaxText);
        var goodbye = reader.Flag();
        var count = reader.UInt16();
        if (count > MaxKeys)
            throw new WireFormatException($"{count} members are listed and at most {MaxKeys} are allowed");
        var behind = ImmutableArray.CreateBuilder<NodeKey>(count);
        for (var i = 0; i < count; i++)
            behind.Add(new NodeKey(reader.Text(MaxAddress), reader.UInt64()));
        reader.End();
        return new NodeReport((RaftRole)role, term, durable, commit, local, stopped, goodbye, behind.MoveToImmutable());
    }

    private static LocalState ReadLocal(ref WireReader reader)
    {
        var applied = reader.Position();
        var gtid = reader.Text(MaxPosition);
        var fit = reader.Flag();
        var status = reader.Byte();
        if (status > (byte)NodeStatus.NeedsMigration)
            throw new WireFormatException($"a status is {status}");
        return new LocalState
        {
            AppliedLsn = applied,
            AppliedGtid = gtid,
            Fit = fit,
            Status = (NodeStatus)status,
            Reason = reader.Text(MaxText),
            DatabaseHealth = reader.Text(MaxText),
            DatabaseVersion = reader.Text(MaxText),
            DatabaseServerId = reader.UInt32(),
            DatabaseAnnouncement = reader.Text(MaxAnnouncement),
            ApiAddress = reader.Text(MaxAddress),
            ProxyAddress = reader.Text(MaxAddress),
        };
    }
}
