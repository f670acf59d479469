namespace WolfScale.Server.Service;

/// <summary>Who started this process and looks after it.</summary>
internal interface IServiceManager
{
    /// <summary>A sign of life is wanted at least this often; null: none is.</summary>
    TimeSpan? Watchdog { get; }

    /// <summary>Tells how things stand, as <c>NAME=value</c> lines of sd_notify(3). Never throws.</summary>
    void Tell(string state);
}
