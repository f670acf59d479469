using System.Collections.Immutable;
using System.Text.Json;

namespace WolfScale.Client.Verifying;

/// <summary>One node's part in a verification.</summary>
/// <param name="name">The node's id.</param>
/// <param name="id">Of the verification.</param>
/// <param name="ask">Asks it.</param>
public sealed class VerifiedNode(string name, string id, Func<VerifyRequest, CancellationToken, Task<VerifyAnswer>> ask)
{
    public VerifiedNode(string name, string id, NodeClient node)
        : this(name, id, async (request, cancellationToken) =>
            JsonSerializer.Deserialize(await node.PostAsync("/admin/verify", request, ApiJson.Default.VerifyRequest, cancellationToken), ApiJson.Default.VerifyAnswer)
            ?? throw new RefusedException($"What {name} answers is not of a WolfScale node of this version."))
    {
    }

    public string Name => name;

    /// <exception cref="NodeRefusedException">It cannot; the message says why.</exception>
    /// <exception cref="UnreachableException">It does not answer.</exception>
    public Task<VerifyAnswer> StepAsync(VerifyRequest request, CancellationToken cancellationToken) => ask(request, cancellationToken);

    public Task<VerifyAnswer> StepAsync(string step, CancellationToken cancellationToken, long? atLsn = null) =>
        StepAsync(new VerifyRequest(id, step) { AtLsn = atLsn }, cancellationToken);

    public async Task<ImmutableArray<VerifiedObject>> SurveyAsync(CancellationToken cancellationToken) => (await StepAsync("survey", cancellationToken)).Objects ?? [];

    /// <summary>A request about a table.</summary>
    public VerifyRequest About(VerifiedObject table, string step) => new(id, step) { Schema = table.Schema, Table = table.Name };

    /// <summary>Keeps its snapshot while it has nothing to do. Where it has none any more its next step says so.</summary>
    public Task KeepAsync(CancellationToken cancellationToken) => TryAsync(new VerifyRequest(id, "keep"), cancellationToken);

    /// <summary>Whatever happens to it now does not matter any more: it ends by itself.</summary>
    /// <param name="outcome">For the node to remember; null: nothing came of it, or only some objects were wanted.</param>
    public Task EndAsync(VerifyOutcome? outcome) => TryAsync(new VerifyRequest(id, "end") { Outcome = outcome }, CancellationToken.None);

    private async Task TryAsync(VerifyRequest request, CancellationToken cancellationToken)
    {
        try
        {
            _ = await StepAsync(request, cancellationToken);
        }
        catch (RefusedException)
        {
            // See there.
        }
    }
}
