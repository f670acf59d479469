namespace WolfScale.Server.Http;

/// <summary>A node that can read its configuration again.</summary>
internal interface IReload
{
    /// <summary>Reads it, and takes over what can change while the node runs.</summary>
    /// <exception cref="RefusedException">Nothing was changed; the message says why.</exception>
    ReloadDocument Reload();
}
