using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// Commits of threads that no KILL reaches: an applier that somebody started on the leader waits for an ACK as a client does, and <c>read_only</c> waits
/// behind it. They are let go by turning semi-sync off while <c>read_only</c> stands in the queue and keeps every other write out; and the gate is on again as
/// soon as none waits, because should the node die, the queue is gone and the gate is all there is.
/// </summary>
internal sealed class StuckCommits(AdminConnection server)
{
    private bool _isOff;

    /// <summary>Looks, and does the next thing.</summary>
    public async Task LetGoAsync()
    {
        if (_isOff)
        {
            await EndAsync();
        }
        else if ((await WriteGate.StatusAsync(server)).WaitingSessions > 0)
        {
            _isOff = true;
            await WriteGate.DisableSemiSyncAsync(server);
        }
    }

    /// <summary>The gate is on again, where it was turned off.</summary>
    public async Task EndAsync()
    {
        if (!_isOff || !server.IsOpen)
            return;
        await WriteGate.EnableSemiSyncAsync(server);
        _isOff = false;
    }
}
