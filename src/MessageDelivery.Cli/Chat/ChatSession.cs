using System.Text;
using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Verbs;
using MessageDelivery.Client;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Chat;

/// <summary>A person's conversation: what is typed goes out in order, and what arrives is shown meanwhile.</summary>
/// <param name="client">The person, as the hub knows it.</param>
/// <param name="screen">Where the person types and reads.</param>
/// <param name="reconnects">Whether the client connects again, so that a lost connection is not the end.</param>
internal sealed class ChatSession(HubClient client, IChatScreen screen, bool reconnects)
{
    private volatile ulong[] _receivers = [];

    /// <summary>Goes on until the input ends, <c>/quit</c>, a connection lost for good (which throws), or a cancelled token.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        screen.Show($"You are {Name(client.UserId)}. {Who(await client.ListAsync(cancellationToken).ConfigureAwait(false))} /help helps.");
        SetReceivers([]);
        client.ConnectionLost += OnConnectionLost;
        client.Reconnected += OnReconnected;
        var receiving = ReceiveAsync(ending.Token);
        var typing = TypeAsync(ending.Token);
        try
        {
            await (await Task.WhenAny(typing, receiving).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(typing, receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            client.ConnectionLost -= OnConnectionLost;
            client.Reconnected -= OnReconnected;
        }
    }

    private void OnConnectionLost(object? sender, HubClientConnectionLostEventArgs lost) =>
        screen.Show(Colors.Bad($"! {Failure.Explain(lost.Reason).Message}; connecting again"));

    private void OnReconnected(object? sender, HubClientReconnectedEventArgs next)
    {
        // After a restart of the hub the same ids may be other people.
        SetReceivers([]);
        screen.Show($"You are {Name(next.NewUserId)} now; choose again with /to whom to talk to.");
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        await foreach (var delivery in client.ReceiveAsync(cancellationToken).ConfigureAwait(false))
        {
            using (delivery)
            {
                screen.Show(Colors.User(delivery.Sender, DisplayText.OfDelivery(delivery.Sender, delivery.Body.Span).TrimEnd('\n')));
            }
        }
    }

    private async Task TypeAsync(CancellationToken cancellationToken)
    {
        while (await screen.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            var input = ChatInput.Parse(line);
            try
            {
                if (input.Request == ChatRequest.Quit)
                {
                    return;
                }

                await CarryOutAsync(input, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is CommandException or HubRequestException or ArgumentException)
            {
                screen.Show(Colors.Bad($"! {exception.Message}"));
            }
            catch (HubConnectionException) when (reconnects)
            {
                screen.Show(Colors.Bad($"! there is no connection, and '{line}' may not have reached the hub"));
            }
        }
    }

    private async ValueTask CarryOutAsync(ChatInput input, CancellationToken cancellationToken)
    {
        switch (input.Request)
        {
            case ChatRequest.Send:
                await SendAsync(input.Argument, cancellationToken).ConfigureAwait(false);
                break;
            case ChatRequest.SetReceivers when input.Argument.Equals("all", StringComparison.OrdinalIgnoreCase):
                var users = await client.ListAsync(cancellationToken).ConfigureAwait(false);
                SetReceivers(users.Count <= client.MaxReceivers
                    ? [.. users]
                    : throw new CommandException(ExitCode.Usage, $"{users.Count} users are here; a message has at most {client.MaxReceivers} receivers"));
                screen.Show(Talking());
                break;
            case ChatRequest.SetReceivers:
                SetReceivers(input.Argument.Length > 0 ? ReceiverIds.Parse([input.Argument]) : _receivers);
                screen.Show(Talking());
                break;
            case ChatRequest.Who:
                screen.Show(Who(await client.ListAsync(cancellationToken).ConfigureAwait(false)));
                break;
            case ChatRequest.Me:
                screen.Show($"You are {Name(client.UserId)}.");
                break;
            case ChatRequest.Help:
                screen.Show(ChatInput.Help);
                break;
            case ChatRequest.Unknown:
                throw new CommandException(ExitCode.Usage, $"there is no {input.Argument}; /help lists what there is");
            default:
                break;
        }
    }

    private async ValueTask SendAsync(string text, CancellationToken cancellationToken)
    {
        if (_receivers.Length == 0)
        {
            throw new CommandException(ExitCode.Usage, "nobody to send it to: choose with /to 2,3 first");
        }

        var receipt = await client.RelayWithReceiptAsync(
            _receivers, Encoding.UTF8.GetBytes(text), cancellationToken: cancellationToken).ConfigureAwait(false);
        if (!receipt.AllAccepted)
        {
            var missed = receipt.Entries.Where(entry => !entry.IsAccepted).Select(entry => $"{entry.Receiver} ({entry.Outcome.Name()})");
            throw new CommandException(ExitCode.NotDelivered, $"not delivered to {string.Join(", ", missed)}");
        }
    }

    private void SetReceivers(ulong[] receivers)
    {
        _receivers = receivers;
        screen.Prompt = receivers.Length switch
        {
            0 => "> ",
            <= 5 => $"to {string.Join(',', receivers)}> ",
            _ => $"to {receivers.Length} users> ",
        };
    }

    private string Talking() => _receivers.Length == 0
        ? "You are talking to nobody."
        : $"You are talking to {string.Join(", ", _receivers.Select(Name))}.";

    private static string Who(IReadOnlyList<ulong> users) => users.Count == 0
        ? "Nobody else is here."
        : $"Here: {string.Join(", ", users.Select(Name))}.";

    private static string Name(ulong id) => Colors.User(id, $"{id}");
}
