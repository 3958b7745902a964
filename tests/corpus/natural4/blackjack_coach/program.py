# observation: (player_sum, dealer_card, usable_ace) as a dict of ints
# action: 0 = stick, 1 = hit

def should_hit(player, dealer, ace):
    # basic strategy (no doubling, no splitting)
    if ace == 1:
        if player <= 17:
            return True
        elif player == 18 and (dealer >= 9 or dealer == 1):
            return True
        else:
            return False
    else:
        if player <= 11:
            return True
        elif player == 12:
            if dealer == 4 or dealer == 5 or dealer == 6:
                return False
            else:
                return True
        elif player >= 13 and player <= 16:
            if dealer >= 2 and dealer <= 6:
                return False
            else:
                return True
        else:
            return False


def reward(player_sum, dealer_card, usable_ace, prev_player_sum, prev_usable_ace, action):
    total = 0.0

    # was the decision right?
    best = should_hit(prev_player_sum, dealer_card, prev_usable_ace)
    if action == 1 and best:
        strategy = 0.2
    elif action == 0 and not best:
        strategy = 0.2
    else:
        strategy = -0.2
    total += strategy

    # bust is bad, a strong hand is good
    bust = 0
    hand = 0
    if player_sum > 21:
        bust = -1
    elif player_sum == 21:
        hand = 0.5
    elif player_sum in [19, 20]:
        hand = 0.3
    elif player_sum in [17, 18]:
        hand = 0.1
    total = total + bust + hand

    # using up the ace costs a little flexibility
    lost_ace = 0
    if prev_usable_ace and not usable_ace:
        lost_ace = -0.05
    total += lost_ace

    return total, {"strategy": strategy, "bust": bust, "hand": hand, "lost_ace": lost_ace}
