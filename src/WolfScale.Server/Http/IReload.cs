namespace WolfScale.Server.Http;

/// <summary>A node, or a proxy that stands alone, that can read its configuration again.</summary>
internal interface IReload
{
    /// <summary>Reads it, and takes over what can change while the program runs.</summary>
    /// <exception cref="RefusedException">Nothing was changed; the message says why.</exception>
    ReloadDocument Reload();
}
