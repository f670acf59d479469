namespace WolfScale.Server.Hosting.Reloading;

/// <summary>What takes over a changed configuration while it runs.</summary>
internal interface ILiveParts
{
    /// <summary>Reads and checks what may fail, certificates above all, and changes nothing.</summary>
    /// <returns>Takes it over.</returns>
    Action Prepare(NodeConfiguration configuration);
}
