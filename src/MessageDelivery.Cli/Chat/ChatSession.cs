using System.Text;
using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Cli.Verbs;
using MessageDelivery.Client;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Chat;

/// <summary>A person's conversation: what is typed goes out in order, and what arrives is shown meanwhile.</summary>
/// <param name="client">The person, as the hub knows it.</param>
/// <param name="screen">Where the person types and reads.</param>
internal sealed class ChatSession(HubClient client, IChatScreen screen)
{
    // More come or go at once when a hub was restarted, say; then their number tells more.
    private const int MaxNamed = 10;

    private volatile ulong[] _receivers = [];
    private volatile bool _knowsNobody;

    // Until the person is told of the next connection. The client's own state changes only when its handlers have returned: who types at once
    // would be told that there is none.
    private volatile bool _isLost;

    /// <summary>Goes on until the input ends, <c>/quit</c>, a connection lost for good (which throws), or a cancelled token.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var users = await client.ListAsync(cancellationToken);
        screen.Show($"You are {Name(client.UserId)}. {Who(users)} /help helps.");
        SetReceivers([]);
        client.ConnectionStateChanged += OnConnectionStateChanged;
        client.SessionResumed += OnSessionResumed;
        client.IdentityChanged += OnIdentityChanged;
        var receiving = ReceiveAsync(ending.Token);
        var watching = WatchAsync([.. users], ending.Token);
        var typing = TypeAsync(ending.Token);
        try
        {
            await (await Task.WhenAny(typing, receiving));
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(typing, receiving, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            client.ConnectionStateChanged -= OnConnectionStateChanged;
            client.SessionResumed -= OnSessionResumed;
            client.IdentityChanged -= OnIdentityChanged;
        }
    }

    private void OnConnectionStateChanged(object? sender, ConnectionStateChangedEventArgs change)
    {
        if (change.NewState == ConnectionState.Reconnecting)
        {
            _isLost = true;
            Warn(IsRestart(change.Reason)
                ? "The hub is shutting down. As soon as it is back, you are connected again."
                : $"The connection was lost: {Failure.Explain(change.Reason).Message}. Connecting again ...");
        }
    }

    private void OnSessionResumed(object? sender, SessionResumedEventArgs resumed)
    {
        _isLost = false;
        screen.Show($"Connected again. You are still {Name(client.UserId)}, and nothing was lost.");
    }

    private void OnIdentityChanged(object? sender, IdentityChangedEventArgs change)
    {
        _isLost = false;
        // After a restart of the hub the same ids may be other people.
        SetReceivers([]);
        _knowsNobody = true;
        Warn(IsRestart(change.Reason)
            ? "The hub was restarted. Everybody has a new number, and messages that were on their way are lost."
            : $"Connected again, but the hub no longer knew you; perhaps it was restarted. Messages for {change.OldUserId} that had not arrived are lost.");
        if (change.UnknownRelays > 0)
        {
            Warn($"Of {change.UnknownRelays} of your messages it is not known whether they arrived.");
        }

        screen.Show($"You are {Name(change.NewUserId)} now. Choose again with /to whom to talk to.");
    }

    private static bool IsRestart(HubConnectionException reason) => reason.Code == ProtocolCode.ShuttingDown;

    private void Warn(string text) => screen.Show(Colors.Bad($"! {text}"));

    private async Task WatchAsync(HashSet<ulong> known, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var update in client.WatchAsync(cancellationToken))
            {
                if (_knowsNobody)
                {
                    // Who has the id of somebody that was here need not be the same person: nobody came or left, all are new.
                    _knowsNobody = false;
                    update.ApplyTo(known);
                    if (update.IsSnapshot)
                    {
                        known.IntersectWith(update.Joined);
                    }

                    screen.Show(Who([.. known.Order()]));
                    continue;
                }

                // The first names everybody: of interest is who is not yet, or no longer, on the screen.
                Announce(update.Joined.Where(user => !known.Contains(user)), "came");
                Announce(update.IsSnapshot ? known.Except(update.Joined).Order() : update.Left, "left");
                if (update.IsSnapshot)
                {
                    known.Clear();
                }

                update.ApplyTo(known);
            }
        }
        catch (HubRequestException)
        {
            // A hub that does not tell who comes and goes; /who still does.
        }

        void Announce(IEnumerable<ulong> users, string what)
        {
            ulong[] changed = [.. users];
            if (changed.Length > 0)
            {
                screen.Show(changed.Length <= MaxNamed
                    ? $"{string.Join(", ", changed.Select(Name))} {what}."
                    : $"{changed.Length} users {what}.");
            }
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        await foreach (var delivery in client.ReceiveAsync(cancellationToken))
        {
            using (delivery)
            {
                screen.Show(Colors.User(delivery.Sender, DisplayText.OfDelivery(delivery.Sender, delivery.Body.Span).TrimEnd('\n')));
            }
        }
    }

    private async Task TypeAsync(CancellationToken cancellationToken)
    {
        while (await screen.ReadLineAsync(cancellationToken) is { } line)
        {
            var input = ChatInput.Parse(line);
            try
            {
                if (input.Request == ChatRequest.Quit)
                {
                    return;
                }

                if (input.NeedsHub && _isLost)
                {
                    throw new CommandException(ExitCode.ConnectionFailed, $"there is no connection; '{line}' was not sent");
                }

                await CarryOutAsync(input, cancellationToken);
            }
            catch (Exception exception) when (exception is CommandException or HubRequestException or ArgumentException)
            {
                screen.Show(Colors.Bad($"! {OneLine.Of(exception.Message)}"));
            }
            catch (HubConnectionException) when (client.ConnectionState != ConnectionState.Closed)
            {
                screen.Show(Colors.Bad($"! the connection was lost, and '{line}' may not have reached the hub"));
            }
        }
    }

    private async ValueTask CarryOutAsync(ChatInput input, CancellationToken cancellationToken)
    {
        switch (input.Request)
        {
            case ChatRequest.Send:
                await SendAsync(input.Argument, cancellationToken);
                break;
            case ChatRequest.SetReceivers when input.Argument.Equals("all", StringComparison.OrdinalIgnoreCase):
                var users = await client.ListAsync(cancellationToken);
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
                screen.Show(Who(await client.ListAsync(cancellationToken)));
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
            _receivers, Encoding.UTF8.GetBytes(text), cancellationToken: cancellationToken);
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
