namespace WolfScale.Server.Hosting.Reloading;

/// <summary>What takes over a changed configuration while it runs.</summary>
internal interface ILiveParts
{
    /// <summary>Whether this program goes by a key (<c>section.key</c>). What it does not look at has neither changed nor does it want a restart.</summary>
    bool Uses(string key) => true;

    /// <summary>Whether a live key, because of what the change is, can be taken over by a restart alone.</summary>
    bool WantsRestart(string key, NodeConfiguration running, NodeConfiguration file) => false;

    /// <summary>Whether an error in the configuration is one for this program.</summary>
    bool Concerns(Finding error) => true;

    /// <summary>The log's file may have been renamed; this happens whatever the configuration says.</summary>
    /// <returns>Why it could not be opened anew, or null.</returns>
    string? ReopenLog() => null;

    /// <summary>Reads and checks what may fail, certificates above all, and changes nothing.</summary>
    /// <returns>Takes it over.</returns>
    Action Prepare(NodeConfiguration configuration);
}
