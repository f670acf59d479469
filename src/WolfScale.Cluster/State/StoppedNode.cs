using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Cluster.History;
using WolfScale.Wal;

namespace WolfScale.Cluster.State;

/// <summary>The data directory of a node that does not run, held so that it does not start meanwhile.</summary>
public sealed class StoppedNode : IAsyncDisposable
{
    private readonly WriteAheadLog _wal;
    private readonly SqliteStateStore _store;
    private readonly EventHistory _history;

    private StoppedNode(WriteAheadLog wal, SqliteStateStore store, EventHistory history) => (_wal, _store, _history) = (wal, store, history);

    /// <summary>Its small durable state.</summary>
    public IStateStore State => _store;

    /// <summary>Its history.</summary>
    public IEventSink History => _history;

    /// <summary>Opens it; null where no node has ever run.</summary>
    /// <exception cref="ClusterStartException">The node runs, or its files cannot be opened.</exception>
    public static async Task<StoppedNode?> OpenAsync(string dataDirectory, string nodeId, TimeProvider time) =>
        await OpenFilesAsync(dataDirectory) is (var store, var wal) ? new StoppedNode(wal, store, EventHistory.Open(Path.GetDirectoryName(store.Path)!, nodeId, time, NullLogger.Instance)) : null;

    /// <summary>Its log and its state; null where no node has ever run.</summary>
    /// <param name="dataDirectory">The node's.</param>
    /// <param name="segmentBytes">As the node is configured, where the log is to be written to.</param>
    /// <exception cref="ClusterStartException">The node runs, or its files cannot be opened; the message says what to do.</exception>
    internal static async Task<(SqliteStateStore Store, WriteAheadLog Wal)?> OpenFilesAsync(string dataDirectory, long? segmentBytes = null)
    {
        var state = Path.Combine(dataDirectory, "state");
        var directory = Path.Combine(dataDirectory, "wal");
        if (!File.Exists(Path.Combine(state, "state.db")) || !Directory.Exists(directory))
            return null;
        var options = new WalOptions { Directory = directory, Fsync = true };
        WriteAheadLog wal;
        try
        {
            // First, because its lock says whether the node runs.
            wal = WriteAheadLog.Open(segmentBytes is { } bytes ? options with { SegmentBytes = bytes } : options);
        }
        catch (WalRefusedException e) when (e.InUse)
        {
            throw new ClusterStartException($"{e.Message} Stop the node first (systemctl stop wolfscale): nothing of it may change meanwhile", e);
        }
        catch (WalDamagedException e)
        {
            throw new ClusterStartException($"the log is damaged ({e.Damage}). Start the node once, so that it cuts the damage off, stop it, and try again; the log of another node that survived may be whole", e);
        }
        catch (Exception e) when (e is WalRefusedException or PosixException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new ClusterStartException($"the log in {directory} cannot be opened: {e.Message}", e);
        }

        try
        {
            return (SqliteStateStore.Open(state), wal);
        }
        catch
        {
            await wal.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _history.DisposeAsync();
        _store.Dispose();
        await _wal.DisposeAsync();
    }
}
