using WolfScale.Consensus;

namespace WolfScale.Cluster.History;

/// <summary>Remembers the last thing that was seen of a leader, because an election says who leads and not why. Thread-safe.</summary>
internal sealed class ElectionCause
{
    private readonly Lock _lock = new();
    private NodeKey _of;
    private string? _seen;
    private bool _handedOver;

    /// <summary>The leader has asked this node to take the lead.</summary>
    public void HandedOver(NodeKey leader) => Note(leader, $"{leader.Id} handed the lead over", handedOver: true);

    /// <summary>The last connection of the leader has ended.</summary>
    public void HungUp(NodeKey leader) => Note(leader, $"the connection of the leader {leader.Id} ended: its process died, or it was cut off");

    /// <summary>The leader has said goodbye.</summary>
    public void Stopped(NodeKey leader) => Note(leader, $"the leader {leader.Id} was stopped");

    /// <summary>This node is about to take the lead from it, as planned.</summary>
    public bool IsHandover(NodeKey leader)
    {
        lock (_lock)
            return _handedOver && _of == leader;
    }

    /// <summary>What was seen of this leader, or null: it may lead on.</summary>
    public string? Known(NodeKey leader)
    {
        lock (_lock)
            return _of == leader ? _seen : null;
    }

    /// <summary>Somebody leads: what was seen before is past.</summary>
    public void Clear()
    {
        lock (_lock)
            (_of, _seen, _handedOver) = (default, null, false);
    }

    private void Note(NodeKey leader, string seen, bool handedOver = false)
    {
        lock (_lock)
        {
            // A leader that hands over, hangs up and says goodbye: the first of these is the reason.
            if (_of == leader && (_handedOver || _seen is not null && !handedOver))
                return;
            (_of, _seen, _handedOver) = (leader, seen, handedOver);
        }
    }
}
