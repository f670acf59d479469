namespace WolfScale.Settings;

/// <summary>Who this node is and where it lives.</summary>
public sealed record NodeSection
{
    /// <summary>Unique in the cluster. Ids are compared as text, and the lowest is preferred as leader.</summary>
    [RequiredKey]
    public string Id { get; init; } = "";

    /// <summary>Where this node listens for other nodes.</summary>
    public string BindAddress { get; init; } = "0.0.0.0:7654";

    /// <summary>Where other nodes reach this one. Empty: the one address that <see cref="BindAddress"/> names.</summary>
    public string AdvertiseAddress { get; init; } = "";

    /// <summary>Empty: <c>/var/lib/wolfscale/ID</c>.</summary>
    public string DataDir { get; init; } = "";
}
