using Microsoft.Extensions.Logging;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// Hands what happened inside the gate to subscribers outside of it: in order, one at a time, normally on the thread that made it happen.
/// <para>
/// Subscribers run without the gate because they have locks of their own, under which they call into the node: with the gate held, two threads
/// could wait for each other for ever. Whoever finds another thread delivering leaves its news to that one.
/// </para>
/// </summary>
internal sealed class Notifier(ILogger logger, Action<Notification> deliver)
{
    private readonly Lock _lock = new();
    private readonly Queue<Notification> _queue = [];
    private bool _delivering;

    /// <summary>Adds news; called under the gate, which gives the order.</summary>
    public void Post(Notification notification)
    {
        lock (_lock)
            _queue.Enqueue(notification);
    }

    /// <summary>Delivers what is there; called after the gate is left.</summary>
    public void Drain()
    {
        lock (_lock)
        {
            if (_delivering || _queue.Count == 0)
                return;
            _delivering = true;
        }
        while (true)
        {
            Notification next;
            lock (_lock)
            {
                if (!_queue.TryDequeue(out next))
                {
                    _delivering = false;
                    return;
                }
            }
            try
            {
                deliver(next);
            }
            catch (Exception e)
            {
                RuntimeLog.SubscriberFailed(logger, e);
            }
        }
    }
}

/// <summary>One piece of news: a commit (its LSN), a role change, or a new configuration.</summary>
internal readonly record struct Notification(long CommitLsn, RoleChange? Role, bool ConfigurationChanged);
