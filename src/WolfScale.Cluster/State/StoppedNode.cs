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
    public static StoppedNode? Open(string dataDirectory, string nodeId, TimeProvider time)
    {
        var state = Path.Combine(dataDirectory, "state");
        var directory = Path.Combine(dataDirectory, "wal");
        if (!File.Exists(Path.Combine(state, "state.db")) || !Directory.Exists(directory))
            return null;
        WriteAheadLog wal;
        try
        {
            wal = WriteAheadLog.Open(new WalOptions { Directory = directory });
        }
        catch (Exception e) when (e is WalRefusedException or WalDamagedException or PosixException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new ClusterStartException(e is WalRefusedException ? $"{e.Message} Stop the node first (systemctl stop wolfscale)" : $"the log in {directory} cannot be opened: {e.Message}", e);
        }

        var store = SqliteStateStore.Open(state);
        return new StoppedNode(wal, store, EventHistory.Open(state, nodeId, time, NullLogger.Instance));
    }

    public async ValueTask DisposeAsync()
    {
        await _history.DisposeAsync();
        _store.Dispose();
        await _wal.DisposeAsync();
    }
}
