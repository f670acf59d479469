namespace WolfScale.Cluster;

/// <summary>The options in force: what may change while the node runs is read here each time it is needed. The record itself is swapped whole.</summary>
internal sealed class CurrentOptions(ClusterOptions start)
{
    private volatile ClusterOptions _value = start;

    public ClusterOptions Value => _value;

    public static implicit operator CurrentOptions(ClusterOptions options) => new(options);

    /// <summary>Takes over what may change; the rest stays as it was at the start.</summary>
    public void Follow(ClusterOptions options) => _value = _value with
    {
        Peers = options.Peers,
        NeverLeader = options.NeverLeader,
        DropAfterS = options.DropAfterS,
        RetentionHours = options.RetentionHours,
        MaxLogBytes = options.MaxLogBytes,
        Tls = _value.Tls is null ? null : options.Tls ?? _value.Tls,
    };
}
