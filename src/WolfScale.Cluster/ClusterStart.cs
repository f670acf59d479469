using System.Net;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Discovery;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.State;
using WolfScale.Cluster.Transport;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster;

/// <summary>
/// Brings a data directory to where a node can run on it.
/// <code>
///   1 state opened, identity read      renamed? a new incarnation
///   2 log opened                       lost or damaged? a new incarnation first, then the damaged suffix goes (rules C1, C6)
///   3 both bound to one cluster        or founded, when asked and nobody else has
/// </code>
/// Each step leaves the directory in a state from which the next start goes on.
/// </summary>
internal sealed class ClusterStart(ClusterOptions options, TimeProvider time, ILogger logger)
{
    /// <summary>A log is cut at its first damage; more may lie before what was then found. Bounds the repetition.</summary>
    private const int MaxDiscards = 8;

    /// <summary>Every member answers this node's first beacon at once, and sends one of its own accord: both would have to be lost.</summary>
    private static readonly TimeSpan ListenBeforeFounding = DiscoveryService.Interval + TimeSpan.FromMilliseconds(500);

    /// <summary>1: opens the state.</summary>
    public (SqliteStateStore Store, NodeIdentity Identity) OpenState()
    {
        var store = SqliteStateStore.Open(Path.Combine(options.DataDirectory, "state"));
        try
        {
            var identity = NodeIdentity.Load(store, options.NodeId, time);
            if (identity is { NewLife: NewLife.Renamed, Former: { } former })
                RuntimeLog.Renamed(logger, former.Id, identity.Key.Id);
            if (identity.NewLife == NewLife.Superseded)
                RuntimeLog.BeginsAsLearner(logger);
            return (store, identity);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>2: opens the log, and ends the incarnation where the log has lost what it promised.</summary>
    public WriteAheadLog OpenLog(NodeIdentity identity)
    {
        var walOptions = new WalOptions
        {
            Directory = Path.Combine(options.DataDirectory, "wal"),
            ClusterId = identity.ClusterId,
            SegmentBytes = options.SegmentBytes,
            Fsync = options.Fsync,
            FlushInterval = TimeSpan.FromMilliseconds(options.FlushIntervalMs),
            MaxPendingBytes = options.MaxPendingBytes,
            TailCacheBytes = options.TailCacheBytes,
            Files = options.WalFiles,
        };
        try
        {
            var wal = OpenUndamaged(walOptions, identity);
            if (wal.Recovery.Created && identity.ClusterId != Guid.Empty && identity.NewLife != NewLife.LogDamaged)
            {
                // Rule C1: the vote in the state stands for entries that are gone.
                RuntimeLog.LogLost(logger, identity.ClusterId);
                identity.Renew(NewLife.LogLost, time);
            }
            return wal;
        }
        catch (Exception e) when (e is WalRefusedException or PosixException or WalDamagedException or InvalidDataException)
        {
            throw new ClusterStartException($"the log in {walOptions.Directory} cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>3: finds out which cluster state and log belong to, and founds one where that is wanted.</summary>
    /// <param name="probe">Asks a peer's address for the cluster that it belongs to; null when it does not answer or belongs to none.</param>
    /// <param name="discovery">Listens on the networks; null where discovery is off.</param>
    public async Task BindAsync(
        SqliteStateStore store, NodeIdentity identity, WriteAheadLog wal, string address, Func<string, PeerIdentity?> probe,
        DiscoveryService? discovery, CancellationToken cancellationToken)
    {
        // The state was lost and the log was not: the new incarnation has voted for nobody, and goes on in the log's term.
        if (store.LoadHardState().Term < wal.Last.Term)
            store.SaveHardState(new HardState(wal.Last.Term, null));
        if (identity.ClusterId == Guid.Empty && wal.ClusterId != Guid.Empty && wal.Last.Lsn > 0)
            identity.Join(wal.ClusterId);
        if (identity.ClusterId != Guid.Empty)
        {
            CheckMode(wal);
            if (options.Bootstrap)
                RuntimeLog.BootstrapIgnored(logger, identity.ClusterId);
            if (wal.ClusterId == Guid.Empty)
                wal.AdoptCluster(identity.ClusterId);
            RenameSoleVoter(store, identity, wal, address);
            return;
        }
        if (!options.Bootstrap)
            return;
        foreach (var peer in options.Peers)
        {
            if (probe(peer) is { } other && other.ClusterId != Guid.Empty)
            {
                throw new ClusterStartException($"--bootstrap is refused: node {other.Key.Id} at {peer} belongs to cluster {other.ClusterId} already, and a second "
                    + "one would take its nodes apart. Start without --bootstrap to join it");
            }
        }
        if (discovery is not null)
            await ListenAsync(discovery, cancellationToken);
        var logBase = options.BootstrapBase is { } find ? await find(cancellationToken) : new LogBase("", true);
        Found(store, identity, wal, address, logBase);
    }

    /// <summary>
    /// Whoever is on the network answers a new voice within a quarter of a second, and speaks every two seconds anyway; a member that is heard was alive
    /// within <see cref="BeaconTable.Window"/>, so a second cluster would be wrong even if its packet was recorded and sent again. Of a founder that does not hold: it may have ended without founding anything, and
    /// be this node itself before it was started anew. So a founder counts when it has answered this one. Where none has, because it is a recording or because it does not hear this node, the time in which a living one
    /// becomes a member is waited for.
    /// </summary>
    private async Task ListenAsync(DiscoveryService discovery, CancellationToken cancellationToken)
    {
        RuntimeLog.ListeningBeforeFounding(logger, ListenBeforeFounding.TotalSeconds);
        bool Counts(Beacon beacon) => beacon.IsMember || (beacon.Founding && discovery.HasAnswered(beacon));
        var found = await discovery.FindAsync(Counts, ListenBeforeFounding, cancellationToken);
        if (found is null && discovery.Heard.FirstOrDefault(b => b.Founding) is { } silent)
        {
            RuntimeLog.FounderIsSilent(logger, silent.NodeId, silent.ClusterAddress, ListenBeforeFounding.TotalSeconds);
            found = await discovery.FindAsync(Counts, ListenBeforeFounding, cancellationToken);
        }

        switch (found)
        {
            case { IsMember: true } member:
                throw new ClusterStartException($"--bootstrap is refused: node {member.NodeId} at {member.ClusterAddress} announces cluster {member.ClusterId} with this name and "
                    + "secret on this network already, and a second one would take its nodes apart. Start without --bootstrap to join it");
            case { } founder:
                throw new ClusterStartException($"--bootstrap is refused: node {founder.NodeId} at {founder.ClusterAddress} wants to found a cluster of this name at this moment too. "
                    + "Start one of the two with --bootstrap, and the other without");
        }
    }

    /// <summary>Rule C5: one mode in a cluster, and it stands in the log. A node whose owner believes otherwise must not take part.</summary>
    private void CheckMode(WriteAheadLog wal)
    {
        if (LastConfiguration(wal) is { Mode: var mode } && mode != options.Mode)
            throw new ClusterStartException(DifferentMode(options.Mode, mode));
    }

    /// <summary>What to tell the owner of such a node.</summary>
    public static string DifferentMode(ClusterMode configured, ClusterMode mode) =>
        $"cluster.mode = \"{Word(configured)}\" in this node's configuration, and its cluster runs in mode \"{Word(mode)}\", as its log says from the first entry on. A cluster keeps the mode "
        + $"that it was founded with: set cluster.mode = \"{Word(mode)}\" here";

    private static string Word(ClusterMode mode) => mode == ClusterMode.Available ? "available" : "consistent";

    /// <summary>LSN 1 is the configuration of a cluster of one; it is on the disk before anything else calls this a member.</summary>
    private void Found(SqliteStateStore store, NodeIdentity identity, WriteAheadLog wal, string address, LogBase logBase)
    {
        var clusterId = wal.ClusterId != Guid.Empty ? wal.ClusterId : Guid.NewGuid();
        if (wal.ClusterId == Guid.Empty)
            wal.AdoptCluster(clusterId);
        var self = new Member(identity.Key, address, MemberRole.Voter, options.NeverLeader, options.Witness);
        var term = options.Mode == ClusterMode.Available ? Epoch.Next(0, identity.Key) : 1;
        store.SaveHardState(new HardState(term, identity.Key));
        Append(wal, new Configuration(clusterId, options.ClusterName, options.Mode, logBase, [self]), term);
        identity.Join(clusterId);
        RuntimeLog.Founded(logger, clusterId, options.ClusterName);
    }

    /// <summary>
    /// The only voter was given another id: nobody else is there to let the new one in, and nobody else can have promised anything. Its own log is
    /// whole, so it writes the new configuration itself, in a term of its own.
    /// </summary>
    private void RenameSoleVoter(SqliteStateStore store, NodeIdentity identity, WriteAheadLog wal, string address)
    {
        var last = LastConfiguration(wal);
        if (identity.Former is not { } former || former.Id == identity.Key.Id || last is not { VoterCount: 1 } || !last.IsVoter(former))
            return;
        var before = Math.Max(store.LoadHardState().Term, wal.Last.Term);
        var term = last.Mode == ClusterMode.Available ? Epoch.Next(before, identity.Key) : before + 1;
        store.SaveHardState(new HardState(term, identity.Key));
        var members = last.Members.Where(m => m.Key != former)
            .Append(new Member(identity.Key, address, MemberRole.Voter, options.NeverLeader, options.Witness));
        Append(wal, last.WithMembers([.. members]), term);
    }

    /// <summary>The newest configuration in the log; null while there is none.</summary>
    /// <exception cref="ClusterStartException">It is of a version that this program does not know.</exception>
    internal static Configuration? LastConfiguration(WriteAheadLog wal)
    {
        if (wal.Configurations.Count == 0)
            return null;
        try
        {
            return ConfigurationCodec.Decode(wal.Configurations[^1].Payload.Span);
        }
        catch (InvalidDataException e)
        {
            throw new ClusterStartException($"the log cannot be gone on with from LSN {wal.Configurations[^1].Lsn}: {e.Message}. Run the program that wrote it, or a newer one", e);
        }
    }

    /// <summary>Appends a configuration; it is on the disk when this returns.</summary>
    /// <exception cref="ClusterStartException">It is not.</exception>
    internal static void Append(WriteAheadLog wal, Configuration configuration, long term)
    {
        using var sealedBatch = OwnBatches.Configuration(configuration);
        var batch = sealedBatch.Assign(wal.Last.Lsn + 1, term);
        wal.Append(batch, wakeWriter: false);
        batch.Release();
        wal.FlushInline();
        if (wal.Durable.Lsn != wal.Last.Lsn)
            throw new ClusterStartException($"the log cannot be written: {wal.Failure?.Message ?? "its last entry is not durable"}");
    }

    private WriteAheadLog OpenUndamaged(WalOptions walOptions, NodeIdentity identity)
    {
        for (var discards = 0; ; discards++)
        {
            try
            {
                return WriteAheadLog.Open(walOptions);
            }
            catch (WalDamagedException e) when (discards < MaxDiscards)
            {
                // Rule C6, in this order: first nobody may count on this node, then the suffix goes.
                if (identity.NewLife != NewLife.LogDamaged)
                    identity.Renew(NewLife.LogDamaged, time);
                RuntimeLog.LogDamaged(logger, e.Damage.ToString(), e.Damage.Lsn);
                WriteAheadLog.DiscardFrom(walOptions, e.Damage.Lsn);
            }
        }
    }

    /// <summary>The address to listen on.</summary>
    public static IPEndPoint BindEndpoint(ClusterOptions options)
    {
        _ = HostPort.TryParse(options.BindAddress, out var bind);
        return new IPEndPoint(bind.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(bind.Host), bind.Port);
    }
}
