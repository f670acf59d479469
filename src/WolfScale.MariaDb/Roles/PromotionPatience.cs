using WolfScale.Protocol;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// Bounds a promotion in time (rule C4): as long as there is progress it waits; without any, it first ends the local readers that block the
/// applier, and then gives up.
/// </summary>
internal sealed class PromotionPatience(ServerContext context)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly ApplierBlockers _blockers = new(context);
    private string _position = "";
    private string _progress = "";
    private long _since = context.Time.GetTimestamp();
    private long _looked = context.Time.GetTimestamp();

    /// <summary>Waits a moment.</summary>
    /// <param name="position">How far it has come.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PromotionFailedException">Nothing has moved for too long.</exception>
    public async Task WaitAsync(GtidPosition position, CancellationToken cancellationToken)
    {
        if (position.ToString() is var now && now != _position)
        {
            _position = now;
            _since = context.Time.GetTimestamp();
        }
        else if (context.Time.GetElapsedTime(_looked) >= context.Options.ReaderPatience)
        {
            await LookAsync();
        }

        await Task.Delay(Pause, context.Time, cancellationToken);
    }

    private async Task LookAsync()
    {
        _looked = context.Time.GetTimestamp();

        // Within a long transaction the position stands still while the applier works.
        var status = await context.Feed.StatusAsync();
        if (status.Progress != _progress)
        {
            _progress = status.Progress;
            _since = _looked;
        }

        _ = await _blockers.KillAsync();
        if (context.Time.GetElapsedTime(_since) >= context.Options.PromotionPatience)
        {
            throw new PromotionFailedException(
                $"The server has not moved on from '{_position}' for {context.Options.PromotionPatience.TotalSeconds:0.#} s"
                + (status.ErrorNumber != 0 ? $" (error {status.ErrorNumber}: {status.Error})" : "") + ": the lead should go to another node.");
        }
    }
}
