using WolfScale.Cluster.State;

namespace WolfScale.Server.Hosting;

/// <summary>Whether an operator has told this node to keep the lead away. Kept in the node's state, so that a restart does not end it.</summary>
internal sealed class Maintenance(IStateStore state)
{
    private const string Fact = "operator.maintenance";

    private volatile bool _isOn = state.Get(Fact) is not null;

    /// <summary>It was switched on or off.</summary>
    public event Action? Changed;

    public bool IsOn => _isOn;

    /// <summary>On the disk before anybody acts on it.</summary>
    public void Set(bool on)
    {
        state.Put(Fact, on ? "1" : null);
        _isOn = on;
        Changed?.Invoke();
    }
}
