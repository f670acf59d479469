namespace WolfScale.MariaDb.Migration;

/// <summary>What an operator asked for.</summary>
/// <param name="From">A node's id or address; empty: the best one.</param>
internal sealed record MigrationOrder(string From);

/// <summary>
/// Carries an operator's order to the controller's loop, where the last one counts, and remembers over reconnections how often the node has tried by itself.
/// </summary>
internal sealed class MigrationOrders
{
    private MigrationOrder? _order;

    /// <summary>Attempts since an operator asked, or since a copy has held for long. The loop's own.</summary>
    public int Attempts { get; set; }

    /// <summary>When the last one failed, as a timestamp; 0: none did.</summary>
    public long FailedAt { get; set; }

    /// <summary>When the last copy was complete; 0: none was.</summary>
    public long SucceededAt { get; set; }

    /// <summary>For any thread.</summary>
    public void Give(MigrationOrder order) => Interlocked.Exchange(ref _order, order);

    public MigrationOrder? Take() => Interlocked.Exchange(ref _order, null);
}
